"""Runs the tasks of a plan, with progress and stopping: ranges of tokens, or blocks of pairs."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple, TypeVar

from app.errors import BrokerError
from app.matching.blocks.pairs import Met
from app.matching.blocks.ranges import StoredRows, TokenRange

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")


class StoppedError(BrokerError):
    """The work was told to stop before it was complete."""

    code = "stopped"
    title = "Stopped before the end"


class NumberedRange(NamedTuple):
    """A range of a plan: its number, from 0, and how many rows of both files begin in it, about."""

    number: int
    range: TokenRange
    n_rows: int


def number_ranges(
    smaller: StoredRows, larger: StoredRows, ranges: Sequence[TokenRange]
) -> tuple[NumberedRange, ...]:
    """Return the ranges with how much work each is: the rows of the parts that begin in it."""
    parts = sorted(
        (token, n_rows)
        for file in (smaller, larger)
        for token, n_rows in zip(file.first_tokens, file.n_rows, strict=True)
    )
    firsts = [token for token, _ in parts]
    rows_before = [0, *accumulate(n_rows for _, n_rows in parts)]

    def n_rows_in(one: TokenRange) -> int:
        stop = len(firsts) if one.high is None else bisect_left(firsts, one.high)
        return rows_before[stop] - rows_before[bisect_left(firsts, one.low)]

    return tuple(NumberedRange(number, one, n_rows_in(one)) for number, one in enumerate(ranges))


def work_off(
    tasks: Sequence[NumberedRange],
    meet: Callable[[NumberedRange], Met],
    keep: Callable[[NumberedRange, Met], Sequence[NumberedRange]],
    executor: Executor,
    stopped: threading.Event,
) -> None:
    """Do tasks, and those that come up while they are done, as many at a time as were given at first."""
    running = {executor.submit(meet, task): task for task in tasks}
    try:
        while running:
            wait(running, return_when=FIRST_COMPLETED)
            if stopped.is_set():
                raise StoppedError("The run was stopped before it was complete.")
            # One at a time: each that is stored is one that a kill cannot take.
            done = next(future for future in running if future.done())
            task = running.pop(done)
            for one in keep(task, done.result()):
                running[executor.submit(meet, one)] = one
    finally:
        for future in running:
            future.cancel()


def threads(n_threads: int) -> ThreadPoolExecutor:
    """Return threads that end with the block that they are used in."""
    return ThreadPoolExecutor(n_threads, thread_name_prefix="matching")


def in_order(
    tasks: Sequence[TaskT], start: Callable[[TaskT], Future[ResultT]], n_ahead: int
) -> Iterator[tuple[TaskT, ResultT]]:
    """Yield each task with its result, with at most `n_ahead` tasks started and not yielded."""
    running: deque[tuple[TaskT, Future[ResultT]]] = deque()
    waiting = iter(tasks)
    try:
        for task in waiting:
            running.append((task, start(task)))
            if len(running) >= n_ahead:
                done, future = running.popleft()
                yield done, future.result()
        while running:
            done, future = running.popleft()
            yield done, future.result()
    finally:
        for _, future in running:
            future.cancel()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        n_done: comparisons done, including those of earlier attempts.
        n_total: comparisons of the whole plan.
        elapsed_s: seconds of this attempt.
        comparisons_per_s: rate of this attempt; None before its first block is done.
        left_s: seconds that the rest takes at that rate; None while the rate is unknown.
    """

    n_done: int
    n_total: int
    elapsed_s: float
    comparisons_per_s: float | None
    left_s: float | None


class ProgressMeter:
    """Measures the rate of one attempt at a plan."""

    def __init__(
        self, n_total: int, *, n_before: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._n_total = n_total
        self._n_before = n_before
        self._n_done = n_before
        self._clock = clock
        self._started = clock()

    def advance(self, n_comparisons: int) -> Progress:
        """Count `n_comparisons` more as done and return the progress."""
        return self.reach(self._n_done + n_comparisons)

    def reach(self, n_done: int) -> Progress:
        """Return the progress where so many comparisons are done, those of before and of others among them."""
        self._n_done = n_done
        elapsed_s = self._clock() - self._started
        n_now = self._n_done - self._n_before
        rate = n_now / elapsed_s if n_now and elapsed_s > 0 else None
        return Progress(
            n_done=self._n_done,
            n_total=self._n_total,
            elapsed_s=elapsed_s,
            comparisons_per_s=rate,
            left_s=None if rate is None else (self._n_total - self._n_done) / rate,
        )
