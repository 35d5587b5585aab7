"""The broker's time: passed in wherever it decides something, so that tests can move it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from schemas.ids import TIME_FORMAT, utc_text

__all__ = ["Clock", "hour_text", "parse_utc", "utc_now", "utc_text"]

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment in UTC, with its time zone."""
    return datetime.now(UTC)


def hour_text(moment: datetime) -> str:
    """Return the beginning of the hour that a moment lies in, as `utc_text` writes it."""
    return f"{utc_text(moment)[:13]}:00:00Z"


def parse_utc(text: str) -> datetime:
    """Read what `utc_text` wrote; raises ValueError on anything else."""
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)
