"""A progress bar on the terminal, with rate and time left, for work that takes more than a second."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

QUICK_S: Final = 1.0


class ProgressBar:
    """Shows the step that was reported last; a context manager, and a listener to progress."""

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown and sys.stderr.isatty()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._step = ""
        self._step_began = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, step: str, share: float, count: int, unit: str) -> None:
        """Show how far a step is, from its second second on."""
        if not self._is_shown:
            return
        now = time.monotonic()
        if step != self._step:
            self._step, self._step_began = step, now
            if self._bar is not None and self._task is not None:
                self._bar.remove_task(self._task)
            self._task = None
        passed_s = now - self._step_began
        if passed_s < QUICK_S:
            return
        if self._bar is None:
            self._bar = _make_bar()
            self._bar.start()
        if self._task is None:
            self._task = self._bar.add_task(step, total=1.0, rate="")
        rate = f"{count:,} {unit}, {count / passed_s:,.0f} a second"
        self._bar.update(self._task, completed=share, rate=rate)


def _make_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
