"""Entries of one project, or of none, found by a filter: newest first, a bounded piece at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from sqlalchemy.orm import Session

from app.matchlog import repository
from app.matchlog.models import NO_PROJECT
from schemas.matchlog.entry import Entry, parse_entry
from schemas.matchlog.kinds import KINDS

CHUNK: Final = 500
# How many entries one look goes through at most; at some 10 us each that stays below half a second.
MAX_SCANNED: Final = 20_000
# A tenth of the time that it takes to parse an entry: a look goes through many thousands.
_HEAD: Final = re.compile(rb'{"actor":{"party":"([^"]*)","person":(?:null|"([^"]*)"),')
_TAIL: Final = re.compile(
    rb'"kind":"([^"]*)","object":(?:null|"([^"]*)"),"outcome":"([^"]*)",[^{}]*"time":"([^T"]*)T[^{}]*}$'
)
# Ids, codes, names and numbers: what follows the body is never longer.
_TAIL_BYTES: Final = 2_000


class Gist(NamedTuple):
    """What entries are chosen by; `person` and `object` are empty where an entry has none."""

    party: str
    person: str
    kind: str
    object: str
    outcome: str
    day: str


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are wanted; None wants all.

    `party` and `person` are the actor's; `person` and `object` are the beginning of an id, or all of it;
    `since` and `until` are dates, both included.
    """

    party: str | None = None
    person: str | None = None
    kind: str | None = None
    outcome: str | None = None
    object: str | None = None
    since: str | None = None
    until: str | None = None

    def matches(self, gist: Gist) -> bool:
        """Tell whether an entry is wanted; its date is looked at too."""
        return (
            self.party in {None, gist.party}
            and self.kind in {None, gist.kind}
            and self.outcome in {None, gist.outcome}
            and gist.person.startswith(self.person or "")
            and gist.object.startswith(self.object or "")
            and (self.since is None or gist.day >= self.since)
            and (self.until is None or gist.day <= self.until)
        )


@dataclass(frozen=True, slots=True)
class Survey:
    """How many entries there are, of which kinds, parties and days, among the newest `MAX_SCANNED` of a scope.

    Attributes:
        total: all entries of the scope.
        is_whole: whether all of them were looked at.
        days: how many wanted entries each day has, the newest day first; days without any are left out.
        kinds: how many entries of each kind are wanted, were the kind not chosen.
        parties: whose entries there are, wanted or not.
    """

    total: int
    is_whole: bool
    days: Mapping[str, int]
    kinds: Mapping[str, int]
    parties: frozenset[str]

    @property
    def found(self) -> int:
        """How many of the entries looked at are wanted."""
        return sum(self.days.values())


@dataclass(frozen=True, slots=True)
class FoundEntries:
    """What one look found, newest first, and where to look on: before a place, or above one.

    None: there is nothing older, or newer, to look at.
    """

    entries: tuple[Entry, ...]
    look_on_before: int | None
    look_on_above: int | None = None


def gist_of(raw: bytes) -> Gist:
    """Return what an entry is chosen by, from its canonical bytes."""
    # Members stand in the order of their names, and only the body, which lies between, holds free text.
    head, tail = _HEAD.match(raw), _TAIL.search(raw, max(0, len(raw) - _TAIL_BYTES))
    if head is None or tail is None:
        raise ValueError("not the canonical bytes of an entry")
    return Gist(*(part.decode("ascii") for part in (*head.groups(b""), *tail.groups(b""))))


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


def refused_entries(session: Session, since: str, limit: int) -> dict[str, list[Entry]]:
    """Return what was refused since a day, by project or under `NO_PROJECT`: so many of each, newest first.

    One look goes through the log of those days, whichever and however many projects there are.
    """
    start, end = 0, repository.log_size(session)
    while start < end:
        middle = (start + end) // 2
        raw = repository.find_entry(session, middle)
        if raw is not None and gist_of(raw).day < since:
            start = middle + 1
        else:
            end = middle
    found: dict[str, list[Entry]] = {}
    for project, raw in repository.entries_holding(session, b'"outcome":"refused"', start):
        entries = found.setdefault(project, [])
        if len(entries) < limit and gist_of(raw).outcome == "refused":
            entries.append(parse_entry(raw, KINDS))
    return found


def survey(
    session: Session, project: str | None, wanted: EntryFilter, *, max_scanned: int = MAX_SCANNED
) -> Survey:
    """Look through the newest `max_scanned` entries of a project, or of none, and count what is wanted."""
    scope = project or NO_PROJECT
    total = repository.next_place(session, scope)
    of_any_kind = replace(wanted, kind=None)
    days, kinds, parties = Counter[str](), Counter[str](), set[str]()
    for _, raw in _descending(session, scope, max(0, total - max_scanned), total):
        gist = gist_of(raw)
        parties.add(gist.party)
        if of_any_kind.matches(gist):
            kinds[gist.kind] += 1
            if wanted.kind in {None, gist.kind}:
                days[gist.day] += 1
    return Survey(total, total <= max_scanned, days, kinds, frozenset(parties))


def place_after_day(session: Session, project: str | None, day: str) -> int:
    """Return the place after the last entry of a project, or of none, up to a day, that day included."""
    scope = project or NO_PROJECT
    end = repository.next_place(session, scope)
    return _first_place(session, scope, end, lambda found: found > day)


def place_after_entry(session: Session, project: str | None, seq: int) -> int:
    """Return the place after the last entry of a project, or of none, up to one of the whole log."""
    return repository.count_up_to(session, project or NO_PROJECT, seq)


def entries_of_kinds(session: Session, project: str, kinds: Collection[str]) -> Iterator[Entry]:
    """Yield all of a project's entries of these kinds, the oldest first."""
    # Canonical JSON escapes the quotes within texts, so only a member reads so; most entries need no parsing.
    marks = tuple(f'"kind":"{kind}"'.encode() for kind in kinds)
    for _, raw in _ascending(session, project, 0, repository.next_place(session, project)):
        if any(mark in raw for mark in marks):
            entry = parse_entry(raw, KINDS)
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
        if wanted.matches(gist_of(raw)):
            found.append(parse_entry(raw, KINDS))
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
        if is_late(gist_of(raw).day):
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
