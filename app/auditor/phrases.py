"""Times as the auditor's pages and lines say them."""

from __future__ import annotations


def moment(time: str | None, without: str = "") -> str:
    """Return a time of the log as people read it, in UTC; `without` where there is none."""
    return without if time is None else f"{time[:10]} {time[11:19]}"
