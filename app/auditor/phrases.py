"""Numbers and times as the auditor's pages and lines say them."""

from __future__ import annotations


def counted(number: int, one: str) -> str:
    """Return a number with its word, such as "1 run" or "1,650 runs"."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def moment(time: str | None, without: str = "") -> str:
    """Return a time of the log as people read it, in UTC; `without` where there is none."""
    return without if time is None else f"{time[:10]} {time[11:19]}"
