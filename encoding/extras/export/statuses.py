"""Who has been exported as in foster care, from when to when, and what changed on which day.

File: sealed as `encoding.workspace.sealed_record` says; within, a `blindlink/exported-statuses/2`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from encoding.sharing.links_of_rounds import Acceptance
from encoding.workspace.sealed_record import SealedRecord
from encoding.workspace.workspace import Workspace
from schemas.documents.document import Document, Model
from schemas.documents.ids import IsoDate

Change = Literal["start", "end", "change"]
Pair: TypeAlias = tuple[str, str]
"""A student ID, and an organization at which they are a student."""


class Period(Model):
    """From which day someone is in care to which, both included; `end` null: still."""

    begin: IsoDate
    end: IsoDate | None

    @model_validator(mode="after")
    def _days_are_ordered(self) -> Self:
        if self.end is not None and self.end < self.begin:
            raise ValueError("a period ends before it begins")
        return self


class Status(Model):
    """A student's periods at one organization, in order, and the last change."""

    student: Annotated[str, Field(min_length=1, max_length=200)]
    organization: str
    periods: Annotated[tuple[Period, ...], Field(min_length=1)]
    change: Change
    changed: IsoDate

    @property
    def pair(self) -> Pair:
        """Return whose status it is, and where."""
        return self.student, self.organization


class Statuses(Document):
    """Everyone who was ever exported, in the order of their IDs and organizations.

    `is_dated`: with dates of the partner's. `student` is the column of the student IDs; null: nothing was
    exported yet. `accepted`: who said last that another column is right, or that so many statuses end.
    """

    KIND: ClassVar[str] = "exported statuses"

    version: Literal["blindlink/exported-statuses/2"] = "blindlink/exported-statuses/2"
    is_dated: bool = False
    student: str | None = None
    accepted: Acceptance | None = None
    statuses: tuple[Status, ...] = ()


def updated(
    known: Sequence[Status], linked: Mapping[Pair, tuple[Period, ...] | None], today: str
) -> tuple[Status, ...]:
    """Return everybody's status as of a day; done again on the same day it changes nothing.

    Where the partner states periods, they count, and of those known before the ones that ended earlier. Where
    none are stated, a period begins on the day on which a student is linked first, wherever that was. Anyone
    who is not linked any more at an organization is in care there no longer: a period that goes on ends today.
    """
    before = {one.pair: one for one in known}
    begun = _begun(known, today)
    found = []
    for pair in sorted(before.keys() | linked.keys()):
        old = before.get(pair)
        periods = () if old is None else old.periods
        new = (
            _current(periods, linked[pair], begun.get(pair[0], today))
            if pair in linked
            else _ended(periods, today)
        )
        if old is not None and new == periods:
            found.append(old)
            continue
        found.append(
            Status(
                student=pair[0],
                organization=pair[1],
                periods=new,
                change=_change(periods, new),
                changed=today,
            )
        )
    return tuple(found)


def in_care(statuses: Iterable[Status], today: str) -> frozenset[Pair]:
    """Return who is in care still after a day, and where."""
    return frozenset(one.pair for one in statuses if _goes_on(one.periods[-1], today))


@dataclass(frozen=True, slots=True)
class KeptStatuses:
    """What is kept of one project; use it under the workspace's lock."""

    workspace: Workspace
    project: str

    def read(self) -> Statuses:
        """Return what was exported before."""
        return self._record().read_as(Statuses) or Statuses()

    def keep(self, statuses: Statuses) -> None:
        """Keep what is exported."""
        self._record().write(statuses.to_canonical())

    def _record(self) -> SealedRecord:
        name = f"exports/{self.project}.statuses"
        path = self.workspace.folder / f"{name}.sealed"
        return SealedRecord(path, name, self.workspace.key())


def _begun(known: Sequence[Status], today: str) -> dict[str, str]:
    """Return when care began that goes on or was gone for less than a day, by student."""
    found: dict[str, str] = {}
    for one in known:
        last = one.periods[-1]
        if last.end is None or last.end >= today:
            found[one.student] = min(last.begin, found.get(one.student, last.begin))
    return found


def _current(
    known: tuple[Period, ...], stated: tuple[Period, ...] | None, begin: str
) -> tuple[Period, ...]:
    if not stated and known and known[-1].end is None:
        return known
    now = stated or (Period(begin=begin, end=None),)
    return (*(p for p in known if p.end is not None and p.end < now[0].begin), *now)


def _goes_on(last: Period, today: str) -> bool:
    """Tell whether a period has no end yet, or one that is still to come."""
    return last.end is None or last.end > today


def _ended(known: tuple[Period, ...], today: str) -> tuple[Period, ...]:
    last = known[-1]
    if not _goes_on(last, today):
        return known
    return (*known[:-1], Period(begin=last.begin, end=max(today, last.begin)))


def _change(before: tuple[Period, ...], now: tuple[Period, ...]) -> Change:
    """Return what is new: a later period, the end of the last one, or other dates."""
    if not before or (len(now) > len(before) and now[: len(before)] == before):
        return "start"
    is_same_begin = now[-1].begin == before[-1].begin
    if is_same_begin and before[-1].end is None and now[-1].end is not None:
        return "end"
    return "change"
