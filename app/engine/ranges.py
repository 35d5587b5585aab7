"""The token ranges of a pair of files as tasks, done in parallel in any order."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from itertools import accumulate
from typing import NamedTuple

from app.errors import BrokerError
from app.matching.blocks.pairs import Met
from app.matching.blocks.ranges import StoredRows, TokenRange


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
