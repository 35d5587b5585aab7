"""What is overdue, one row a thing, with all in whose hands it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.clock import parse_utc

if TYPE_CHECKING:
    from datetime import datetime

    from app.deadlines.service import Late


@dataclass(slots=True)
class OverdueRow:
    """One thing: of a project (empty for the broker as a whole), in a sentence, since so many seconds."""

    project: str
    sentence: str
    seconds: int
    owners: list[str]


def overdue_rows(lates: Iterable[Late], now: datetime) -> list[OverdueRow]:
    """Return what is overdue, longest first; what several parties owe alike is one row."""
    rows: dict[tuple[str, str], OverdueRow] = {}
    for late in lates:
        one, key = late.overdue, (late.project, late.overdue.words())
        seconds = int((now - parse_utc(one.since)).total_seconds())
        row = rows.setdefault(key, OverdueRow(*key, seconds, []))
        row.owners.append(f"{one.party}, {one.duty}")
    return sorted(rows.values(), key=lambda row: -row.seconds)
