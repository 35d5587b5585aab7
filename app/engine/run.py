"""The blocks of a plan, matched in parallel and handed over in order."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from typing import NamedTuple

from app.engine.progress import Progress, ProgressMeter
from app.matching.exhaustive import (
    Block,
    Candidates,
    Dataset,
    MatchingCancelledError,
    MatchingPolicy,
    PairCapError,
    match_block,
)


class MatchedBlock(NamedTuple):
    """A block that is done, its pairs, and how far the run has come with it."""

    block: Block
    pairs: Candidates
    progress: Progress


def match_blocks(
    datasets: Sequence[Dataset],
    blocks: Sequence[Block],
    policy: MatchingPolicy,
    *,
    finished: Collection[int] = (),
    n_pairs_before: int = 0,
    kernel: str = "auto",
    n_threads: int = 1,
    executor: Executor | None = None,
    max_pairs: int | None = None,
    cancelled: threading.Event | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[MatchedBlock]:
    """Yield each unfinished block with its pairs, in the order of the plan.

    Store a block before asking for the next one: what was yielded need not be repeated after a
    kill. At most `n_threads` + 1 blocks are held at a time.

    Args:
        datasets: the files of the run.
        blocks: the whole plan.
        policy: the policy of the run.
        finished: numbers of blocks that earlier attempts stored.
        n_pairs_before: pairs in those blocks; they count for the cap.
        kernel: as `dice_candidates`.
        n_threads: blocks to match at a time.
        executor: runs the blocks; None: `n_threads` threads of this call. Must run in this
            process if `cancelled` is given.
        max_pairs: cap on the pairs of the whole run; None: no cap.
        cancelled: when set, the next step raises; None: cannot be cancelled.
        clock: seconds that only go forward.

    Raises:
        PairCapError: the run has more than `max_pairs` pairs.
        MatchingCancelledError: `cancelled` was set.
    """
    todo = [block for block in blocks if block.number not in finished]
    meter = _meter(blocks, todo, clock)
    cap = _RunCap(max_pairs, policy.review, n_pairs_before)
    with _threads(executor, n_threads) as running:

        def start(block: Block) -> Future[Candidates]:
            return running.submit(
                match_block,
                datasets,
                block,
                policy,
                kernel=kernel,
                max_pairs=cap.left(),
                cancelled=cancelled,
            )

        for block, pairs in _in_order(todo, start, n_threads + 1):
            if cancelled is not None and cancelled.is_set():
                raise MatchingCancelledError("the run was cancelled before it was complete")
            cap.spend(len(pairs))
            yield MatchedBlock(block, pairs, meter.advance(block.n_comparisons))


def _threads(executor: Executor | None, n_threads: int) -> AbstractContextManager[Executor]:
    """Return the caller's executor, left open at the end, or threads that end with the run."""
    if executor is not None:
        return nullcontext(executor)
    return ThreadPoolExecutor(n_threads, thread_name_prefix="matching")


class _RunCap:
    """The cap on the pairs of a whole run."""

    def __init__(self, max_pairs: int | None, threshold: Fraction, n_pairs: int) -> None:
        self._max_pairs = max_pairs
        self._threshold = threshold
        self._n_pairs = n_pairs

    def left(self) -> int | None:
        """Return how many pairs may still come; None: any number."""
        return None if self._max_pairs is None else max(0, self._max_pairs - self._n_pairs)

    def spend(self, n_pairs: int) -> None:
        """Count pairs, or raise PairCapError above the cap."""
        self._n_pairs += n_pairs
        if self._max_pairs is not None and self._n_pairs > self._max_pairs:
            raise PairCapError.above(self._max_pairs, self._threshold)


def _meter(
    blocks: Sequence[Block], todo: Sequence[Block], clock: Callable[[], float]
) -> ProgressMeter:
    n_total = sum(block.n_comparisons for block in blocks)
    n_todo = sum(block.n_comparisons for block in todo)
    return ProgressMeter(
        n_total,
        len(blocks),
        n_before=n_total - n_todo,
        n_blocks_before=len(blocks) - len(todo),
        clock=clock,
    )


def _in_order(
    blocks: Sequence[Block], start: Callable[[Block], Future[Candidates]], n_ahead: int
) -> Iterator[tuple[Block, Candidates]]:
    """Yield each block with its pairs, with at most `n_ahead` blocks started and not yielded."""
    running: deque[tuple[Block, Future[Candidates]]] = deque()
    waiting = iter(blocks)
    try:
        for block in waiting:
            running.append((block, start(block)))
            if len(running) >= n_ahead:
                done, future = running.popleft()
                yield done, future.result()
        while running:
            done, future = running.popleft()
            yield done, future.result()
    finally:
        for _, future in running:
            future.cancel()
