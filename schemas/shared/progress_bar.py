"""How far work is, on a terminal: share, time left and rate, from its second second on."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

from schemas.shared.terminal import clear, draw, width

QUICK_S: Final = 1.0
# No terminal shows more, and no person sees more.
REDRAWN_S: Final = 0.1
BAR: Final = 20


class ProgressBar:
    """Shows the step that was reported last; a context manager, and a listener to progress."""

    def __init__(self, *, is_shown: bool = True) -> None:
        self._is_shown = is_shown
        self._step = ""
        self._began = self._drawn = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        clear()

    def __call__(self, step: str, share: float, count: int, unit: str) -> None:
        """Show how far a step is: the part that is done, from 0 to 1, and how many of what that are."""
        if not self._is_shown:
            return
        now = time.monotonic()
        if step != self._step:
            self._step, self._began = step, now
        if now - self._began < QUICK_S or now - self._drawn < REDRAWN_S:
            return
        self._drawn = now
        draw(progress_line(step, share, count, unit, now - self._began))


def progress_line(step: str, share: float, count: int, unit: str, passed_s: float) -> str:
    """Return a line on work that began `passed_s` ago; the bar is left out where the terminal is narrow."""
    share = min(max(share, 0.0), 1.0)
    said = f"{share:4.0%}"
    if share > 0:
        said += f", {duration(passed_s * (1 - share) / share)} left"
    said += f", {count:,} {unit}, {count / max(passed_s, 1e-9):,.0f} a second"
    done = round(BAR * share)
    bar = f"[{'#' * done}{'-' * (BAR - done)}] "
    line = f"{step} {bar}{said}"
    return line if len(line) < width() else f"{step} {said}"


def duration(seconds: float) -> str:
    """Return a time as people say it, to the second below an hour and to the minute above."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")
