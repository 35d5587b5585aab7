"""The blocks of an exhaustive plan, matched in parallel and handed over in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from fractions import Fraction
from typing import NamedTuple

from app.engine import Progress, ProgressMeter, in_order, threads
from app.extras.exhaustive import (
    BLOCK_PAIRS,
    Block,
    Candidates,
    OrderedPairs,
    PairCapError,
    Words,
    match_block,
    order_pairs,
    plan_blocks,
)


class MatchedBlock(NamedTuple):
    """A block that is done, its pairs, and how far the run has come with it."""

    block: Block
    pairs: Candidates
    progress: Progress


def match_blocks(
    datasets: Sequence[Words],
    blocks: Sequence[Block],
    threshold: Fraction,
    *,
    kernel: str = "auto",
    n_threads: int = 1,
    max_pairs: int | None = None,
) -> Iterator[MatchedBlock]:
    """Yield each block with its pairs, in the order of the plan; at most `n_threads` + 1 are held at a time."""
    meter = ProgressMeter(sum(block.n_comparisons for block in blocks))
    cap = _RunCap(max_pairs, threshold)
    with threads(n_threads) as running:

        def start(block: Block) -> Future[Candidates]:
            return running.submit(
                match_block, datasets, block, threshold, kernel=kernel, max_pairs=cap.left()
            )

        for block, pairs in in_order(blocks, start, n_threads + 1):
            cap.spend(len(pairs))
            yield MatchedBlock(block, pairs, meter.advance(block.n_comparisons))


def find_pairs(
    datasets: Sequence[Words],
    threshold: Fraction,
    *,
    kernel: str = "auto",
    n_threads: int = 1,
    max_pairs: int | None = None,
    watch: Callable[[Progress], None] = lambda _: None,
    keep: Callable[[Block, Candidates], Candidates] = lambda _, pairs: pairs,
) -> OrderedPairs:
    """Return all pairs across the files that reach the threshold, in their one order."""
    blocks = plan_blocks(datasets, block_pairs=BLOCK_PAIRS)
    matched = match_blocks(
        datasets,
        blocks,
        threshold,
        kernel=kernel,
        n_threads=n_threads,
        max_pairs=max_pairs,
    )

    def kept() -> Iterator[tuple[Block, Candidates]]:
        for each in matched:
            watch(each.progress)
            yield each.block, keep(each.block, each.pairs)

    return order_pairs([len(words) for words in datasets], kept())


class _RunCap:
    """The cap on the pairs of a whole run."""

    def __init__(self, max_pairs: int | None, threshold: Fraction) -> None:
        self._max_pairs = max_pairs
        self._threshold = threshold
        self._n_pairs = 0

    def left(self) -> int | None:
        """Return how many pairs may still come; None: any number."""
        return None if self._max_pairs is None else max(0, self._max_pairs - self._n_pairs)

    def spend(self, n_pairs: int) -> None:
        """Count pairs, or raise PairCapError above the cap."""
        self._n_pairs += n_pairs
        if self._max_pairs is not None and self._n_pairs > self._max_pairs:
            raise PairCapError.above(self._max_pairs, self._threshold)
