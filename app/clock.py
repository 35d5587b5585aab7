"""The broker's time: passed in wherever it decides something, so that tests can move it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from schemas.documents.ids import TIME_FORMAT, utc_text

__all__ = ["Clock", "LogClock", "hour_text", "parse_utc", "utc_now", "utc_text"]

Clock: TypeAlias = Callable[[], datetime]

# What verifiers grant between what is decided and its entry.
MOST_BEHIND: Final = timedelta(minutes=1)


class LogClock:
    """A machine's clock that never goes behind the newest entry of the match log.

    An entry is never older than the one before it, so after a clock was ahead, and was set back, the log's time
    is still to come. What is decided meanwhile goes by that time, as the entry that tells of it does.
    """

    def __init__(self, machine: Clock) -> None:
        """Go by this clock."""
        self._machine = machine
        self._reached = datetime.min.replace(tzinfo=UTC)
        # When it was last far behind, by `time.monotonic`.
        self._behind_s = float("-inf")

    def __call__(self) -> datetime:
        """Return the present moment, or the newest entry's time where that lies ahead."""
        return max(self._machine(), self._reached)

    def follow(self, newest: str) -> None:
        """Take up the time of an entry that is in the log."""
        is_behind = utc_text(self() + MOST_BEHIND) < newest
        if is_behind:
            # Other threads decide meanwhile.
            self._behind_s = float("inf")
        self._reached = max(self._reached, parse_utc(newest))
        if is_behind:
            self._behind_s = time.monotonic()

    def was_behind(self, since_s: float) -> bool:
        """Tell whether this was far behind after a moment by `time.monotonic`: what it decided may be wrong."""
        return since_s <= self._behind_s


def utc_now() -> datetime:
    """Return the present moment in UTC, with its time zone."""
    return datetime.now(UTC)


def hour_text(moment: datetime) -> str:
    """Return the beginning of the hour that a moment lies in, as `utc_text` writes it."""
    return f"{utc_text(moment)[:13]}:00:00Z"


def parse_utc(text: str) -> datetime:
    """Read what `utc_text` wrote; raises ValueError on anything else."""
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)
