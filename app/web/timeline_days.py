"""The timeline as people read it: by days, what the broker repeats folded into one line, kinds in groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from schemas.documents.ids import BROKER
from schemas.matchlog.entry import Entry

KIND_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "Agreement": (
        "project-opened", "agreement-proposed", "agreement-signed", "agreement-in-force",
        "agreement-suspended", "agreement-resumed", "agreement-withdrawn",
    ),
    "Secret": ("share-relayed", "share-fetched", "shares-withdrawn", "secret-confirmed"),
    "Rounds and uploads": (
        "nonces-offered", "round-opened", "round-superseded", "round-closed", "claims-received",
        "statement-received", "upload-received", "upload-rejected",
    ),
    "Runs": (
        "run-asked", "run-approved", "standing-approved", "standing-revoked", "standing-used", "run-started",
        "run-finished", "run-failed", "run-cancelled",
    ),
    "Clerical review": (
        "review-asked", "review-answered", "review-fetched", "review-decided", "review-ended",
        "supplement-closed",
    ),
    "Releases and deliveries": (
        "release-prepared", "blind-release-prepared", "release-fetched", "release-verified",
        "delivery-received", "delivery-fetched", "delivery-opened",
    ),
    "Destruction": (
        "destruction-begun", "destruction-certified", "destruction-countersigned", "destruction-stated",
        "upload-destroyed", "match-record-destroyed", "release-destroyed", "delivery-destroyed",
        "record-withdrawn", "legal-hold-set", "legal-hold-lifted",
    ),
    "Refused, exported": (
        "request-refused", "sign-in-refused", "exported",
    ),
    "Parties, persons and keys": (
        "party-enrolled", "person-enrolled", "role-changed", "key-rotated", "log-started",
        "configuration-changed", "log-key-rotated",
    ),
}  # fmt: skip
# As many days as can be told apart.
BARRED_DAYS: Final = 56
BAR_HEIGHT: Final = 40


@dataclass(frozen=True, slots=True)
class Line:
    """An entry, and those right before it that the broker made of the same kind at the same time."""

    entry: Entry
    repeated: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A day with its lines, newest first; `n_entries` is how many fit on that day, None where not counted."""

    day: str
    n_entries: int | None
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class DayBar:
    """One day of the activity picture: how many entries, and how high its bar is in units of the picture."""

    day: str
    n_entries: int
    height: float


def days_of(entries: Iterable[Entry], counted: Mapping[str, int]) -> tuple[Day, ...]:
    """Return entries, which come newest first, by days."""
    return tuple(
        Day(day, counted.get(day), tuple(_lines(found)))
        for day, found in groupby(entries, key=lambda entry: entry.time[:10])
    )


def _lines(entries: Iterable[Entry]) -> Iterable[Line]:
    for _, found in groupby(entries, key=_repeats):
        first, *rest = found
        yield Line(first, tuple(rest))


def _repeats(entry: Entry) -> tuple[object, ...]:
    """Return what entries have in common that are told as one; what a person did stands alone."""
    is_brokers = entry.actor.party == BROKER and entry.actor.person is None
    return (entry.kind, entry.outcome, entry.time, None if is_brokers else entry.seq)


def day_bars(counted: Mapping[str, int], newest: str) -> tuple[DayBar, ...]:
    """Return a bar for each of the days up to the newest one, oldest first, also for those without entries.

    None where all days that were counted are newer.
    """
    if not counted or newest < min(counted):
        return ()
    last, first = date.fromisoformat(newest), date.fromisoformat(min(counted))
    n_days = min(BARRED_DAYS, (last - first).days + 1)
    days = [(last - timedelta(days=back)).isoformat() for back in range(n_days)][::-1]
    most = max(1, *(counted.get(day, 0) for day in days))
    return tuple(
        DayBar(day, n, round(max(n and 2, n / most * BAR_HEIGHT), 1))
        for day, n in ((day, counted.get(day, 0)) for day in days)
    )


def kind_options(
    kinds: Iterable[str], counted: Mapping[str, int], chosen: str, *, is_whole: bool
) -> list[tuple[str, list[tuple[str, int | None]]]]:
    """Return the kinds to choose from, in groups, each with how many entries there are.

    Where all entries were looked at, kinds without any are left out; else none is, and nothing is counted.
    """
    known = set(kinds)
    groups = []
    for name, members in KIND_GROUPS.items():
        shown = [
            (kind, counted.get(kind, 0) if is_whole else None)
            for kind in members
            if kind in known and (not is_whole or counted.get(kind) or kind == chosen)
        ]
        if shown:
            groups.append((name, shown))
    return groups
