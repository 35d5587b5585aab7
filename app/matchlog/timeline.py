"""Entries of one project, or of none, found by a filter: newest first, a bounded piece at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from app.matchlog import repository
from app.matchlog.models import NO_PROJECT
from schemas.matchlog.entry import Entry, parse_entry

CHUNK: Final = 500
# How many entries one look goes through at most; at some 10 us each that stays below half a second.
MAX_SCANNED: Final = 20_000


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are wanted; None wants all.

    `party` and `person` are the actor's; `since` and `until` are dates, both included.
    """

    party: str | None = None
    person: str | None = None
    kind: str | None = None
    outcome: str | None = None
    object: str | None = None
    since: str | None = None
    until: str | None = None

    def matches(self, entry: dict[str, Any]) -> bool:
        """Tell whether an entry, as JSON, is wanted; its date is looked at too."""
        actor, day = entry["actor"], entry["time"][:10]
        wanted = (
            (self.party, actor["party"]),
            (self.person, actor["person"]),
            (self.kind, entry["kind"]),
            (self.outcome, entry["outcome"]),
            (self.object, entry["object"]),
        )
        return (
            all(want is None or want == found for want, found in wanted)
            and (self.since is None or day >= self.since)
            and (self.until is None or day <= self.until)
        )


@dataclass(frozen=True, slots=True)
class FoundEntries:
    """What one look found, newest first, and where to look on: before a place, or above one.

    None: there is nothing older, or newer, to look at.
    """

    entries: tuple[Entry, ...]
    look_on_before: int | None
    look_on_above: int | None = None


def find_entries(
    session: Session,
    project: str | None,
    wanted: EntryFilter,
    *,
    before: int | None = None,
    above: int | None = None,
    is_upward: bool = False,
    limit: int,
    max_scanned: int = MAX_SCANNED,
) -> FoundEntries:
    """Find up to `limit` entries of a project, or of none, among the newest `max_scanned` in question.

    Args:
        before: only entries whose `place` is below this one; None begins with the newest.
        above: only entries whose `place` is above this one; None ends with the oldest.
        is_upward: among the oldest in question instead.
    """
    scope = project or NO_PROJECT
    first, last = _places(session, scope, wanted, before, above)
    if is_upward:
        top = min(last, first + max_scanned)
        found, place = _first_wanted(_ascending(session, scope, first, top), wanted, limit)
        reached = top - 1 if place is None else place
        has_older = above is not None and first == above + 1 > 0
        return FoundEntries(
            tuple(found[::-1]),
            first if has_older else None,
            reached if reached < last - 1 else None,
        )
    floor = max(first, last - max_scanned)
    found, place = _first_wanted(_descending(session, scope, floor, last), wanted, limit)
    reached = floor if place is None else place
    return FoundEntries(
        tuple(found), reached if reached > first else None, last - 1 if last == before else None
    )


def entries_of_kinds(session: Session, project: str, kinds: Collection[str]) -> Iterator[Entry]:
    """Yield all of a project's entries of these kinds, the oldest first."""
    # Canonical JSON escapes the quotes within texts, so only a member reads so; most entries need no parsing.
    marks = tuple(f'"kind":"{kind}"'.encode() for kind in kinds)
    for _, raw in _ascending(session, project, 0, repository.next_place(session, project)):
        if any(mark in raw for mark in marks):
            entry = parse_entry(raw)
            if entry.kind in kinds:
                yield entry


def broker_entries_of_kinds(session: Session, kinds: Collection[str]) -> Iterator[Entry]:
    """Yield all entries of these kinds that are of no project, the oldest first."""
    return entries_of_kinds(session, NO_PROJECT, kinds)


def _first_wanted(
    places: Iterator[tuple[int, bytes]], wanted: EntryFilter, limit: int
) -> tuple[list[Entry], int | None]:
    """Return up to `limit` wanted entries, and where the last of so many stands; None: there are fewer."""
    found: list[Entry] = []
    for place, raw in places:
        if wanted.matches(json.loads(raw)):
            found.append(parse_entry(raw))
            if len(found) == limit:
                return found, place
    return found, None


def _places(
    session: Session, scope: str, wanted: EntryFilter, before: int | None, above: int | None
) -> tuple[int, int]:
    """Return the range of places, the second not included, outside which nothing is wanted."""
    end = repository.next_place(session, scope)
    if before is not None:
        end = min(end, before)
    start = 0
    # Times never go back, so the days of a project's entries are in order.
    if wanted.until is not None:
        until = wanted.until
        end = _first_place(session, scope, end, lambda day: day > until)
    if wanted.since is not None:
        since = wanted.since
        start = _first_place(session, scope, end, lambda day: day >= since)
    if above is not None:
        start = max(start, above + 1)
    return start, end


def _first_place(session: Session, scope: str, end: int, is_late: Callable[[str], bool]) -> int:
    """Return the first place below `end` whose day is late, or `end`, by halving."""
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        ((_, raw),) = repository.entries_at(session, scope, middle, middle + 1)
        if is_late(json.loads(raw)["time"][:10]):
            high = middle
        else:
            low = middle + 1
    return low


def _ascending(session: Session, scope: str, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    for start in range(first, last, CHUNK):
        yield from repository.entries_at(session, scope, start, min(start + CHUNK, last))


def _descending(session: Session, scope: str, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    while last > first:
        start = max(first, last - CHUNK)
        yield from reversed(repository.entries_at(session, scope, start, last))
        last = start
