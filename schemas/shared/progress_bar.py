"""How far work is, on a terminal: share, time left and rate, from its second second on."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, Self

from schemas.shared.amounts import duration
from schemas.shared.terminal import clear, draw, is_terminal, width

QUICK_S: Final = 1.0
REDRAWN_S: Final = 0.2
BAR: Final = 20


@contextmanager
def working(step: str, *, is_shown: bool = True) -> Iterator[None]:
    """Show that a step goes on of which nobody can tell how far it is."""
    with ProgressBar(is_shown=is_shown) as bar:
        bar(step, 0.0, 0, "")
        yield


class Step(NamedTuple):
    """What was reported of a step: its share when it began and now, and how many of what are done."""

    name: str = ""
    first_share: float = 0.0
    share: float = 0.0
    done: int = 0
    unit: str = ""


class ProgressBar:
    """Shows the step that was reported last; a context manager, and a listener to progress.

    It goes on by itself, since a step may be long in coming to its next report.
    """

    def __init__(self, *, is_shown: bool = True) -> None:
        self._is_shown = is_shown and is_terminal(sys.stderr)
        self._step = Step()
        self._began = 0.0
        self._ended = threading.Event()
        self._clock = threading.Thread(target=self._go_on, daemon=True)

    def __enter__(self) -> Self:
        if self._is_shown:
            self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_shown:
            self._ended.set()
            self._clock.join()
            clear()

    def __call__(self, step: str, share: float, count: int, unit: str) -> None:
        """Take how far a step is: the part that is done, from 0 to 1, and how many of what that are."""
        first = self._step.first_share
        if step != self._step.name:
            first, self._began = share, time.monotonic()
        self._step = Step(step, first, min(max(share, 0.0), 1.0), count, unit)

    def _go_on(self) -> None:
        while not self._ended.wait(REDRAWN_S):
            passed_s = time.monotonic() - self._began
            if self._step.name and passed_s >= QUICK_S:
                draw(progress_line(self._step, passed_s))


def progress_line(step: Step, passed_s: float) -> str:
    """Return a line on a step that began `passed_s` ago; a narrow terminal gets no bar."""
    gone = step.share - step.first_share
    if gone > 0:
        said = f"{step.share:4.0%}, {duration(passed_s * (1 - step.share) / gone)} left"
    elif step.share > 0:
        said = f"{step.share:4.0%}, {duration(passed_s)} so far"
    else:
        return f"{step.name}, {duration(passed_s)} so far"
    if step.done > passed_s > 0:
        said += f", {step.done:,} {step.unit}, {step.done / passed_s:,.0f} a second"
    full = round(BAR * step.share)
    line = f"{step.name} [{'#' * full}{'-' * (BAR - full)}] {said}"
    return line if len(line) < width() else f"{step.name} {said}"
