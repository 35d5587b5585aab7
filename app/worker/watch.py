"""Watches deadlines beside the runs: a run may take hours, and what is overdue is told within minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from app.broker import Broker
from app.deadlines.alarms import note_overdue
from app.deadlines.notices import tell_overdue
from app.errors import place_of
from app.worker.companion import Companion

WATCH_S: Final = 60.0

log = structlog.get_logger()


class Watch(Companion):
    """A thread that notes and tells what is overdue, at once and then every minute, within the block.

    Leaving the block waits for a look that is under way; a server that does not answer keeps nobody longer
    than it takes to give it up.
    """

    NAME = "watch"

    def __init__(self, broker: Broker, *, every_s: float = WATCH_S) -> None:
        super().__init__()
        self._broker = broker
        self._every_s = every_s

    def _run(self) -> None:
        while True:
            # What was noted before is told also where nothing can be noted now.
            self._guarded(note_overdue)
            self._guarded(tell_overdue)
            if self._ended.wait(self._every_s):
                return

    def _guarded(self, step: Callable[[Broker], int]) -> None:
        try:
            step(self._broker)
        except Exception as exc:  # noqa: BLE001 - what fails now is looked at again in a minute
            log.warning("deadlines_not_watched", error=type(exc).__name__, where=place_of(exc))
