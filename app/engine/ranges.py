"""The token ranges of a pair of files, met in parallel and handed over in order."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from app.engine.order import in_order, threads
from app.engine.progress import Progress, ProgressMeter
from app.errors import BrokerError
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import Met
from app.matching.blocks.ranges import StoredRows, TokenRange, meet_range


class StoppedError(BrokerError):
    """The work was told to stop before it was complete."""

    code = "stopped"
    title = "Stopped before the end"


class NumberedRange(NamedTuple):
    """A range of a plan: its number, from 0, and how many rows of both files begin in it, about."""

    number: int
    range: TokenRange
    n_rows: int


class MetRange(NamedTuple):
    """A range that is done, its meetings, and how far the run has come with it."""

    task: NumberedRange
    met: Met
    progress: Progress


def number_ranges(
    smaller: StoredRows, larger: StoredRows, ranges: Sequence[TokenRange]
) -> tuple[NumberedRange, ...]:
    """Return the ranges with how much work each is: the rows of the parts that begin in it."""
    parts = [
        (token, n_rows)
        for file in (smaller, larger)
        for token, n_rows in zip(file.first_tokens, file.n_rows, strict=True)
    ]
    return tuple(
        NumberedRange(number, one, sum(n_rows for token, n_rows in parts if _begins(token, one)))
        for number, one in enumerate(ranges)
    )


def meet_ranges(
    smaller: StoredRows,
    larger: StoredRows,
    plan: Sequence[NumberedRange],
    rules: LevelRules,
    *,
    finished: Collection[int] = (),
    n_threads: int = 1,
    stopped: threading.Event | None = None,
) -> Iterator[MetRange]:
    """Yield each unfinished range with its meetings, in the order of the plan.

    Store a range before asking for the next one: what was yielded need not be repeated after a kill. At most
    `n_threads` + 1 ranges are held at a time.

    Args:
        plan: all ranges.
        finished: numbers of those that earlier attempts stored.
        n_threads: ranges at a time.
        stopped: when set, the next step raises; None: it cannot be stopped.
    Raises:
        StoppedError: `stopped` was set.
        PartError: a part has other rows than was said of it.
    """
    todo = [task for task in plan if task.number not in finished]
    n_total, n_todo = sum(task.n_rows for task in plan), sum(task.n_rows for task in todo)
    meter = ProgressMeter(n_total, n_before=n_total - n_todo)
    with threads(n_threads) as running:

        def start(task: NumberedRange) -> Future[Met]:
            return running.submit(meet_range, task.range, smaller, larger, rules)

        for task, met in in_order(todo, start, n_threads + 1):
            if stopped is not None and stopped.is_set():
                raise StoppedError("The run was stopped before it was complete.")
            yield MetRange(task, met, meter.advance(task.n_rows))


def _begins(token: bytes, within: TokenRange) -> bool:
    return within.low <= token and (within.high is None or token < within.high)
