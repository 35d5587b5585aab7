"""Who has been exported as in foster care, from when to when, and what changed on which day.

File: sealed as `encoding.workspace.sealed_record` says; within, a `blindlink/exported-statuses/1`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from encoding.workspace.sealed_record import SealedRecord
from encoding.workspace.workspace import Workspace
from schemas.document import Document, Model
from schemas.ids import IsoDate

Change = Literal["start", "end", "change"]


class Period(Model):
    """From which day somebody is in care to which, both included; `end` null: still."""

    begin: IsoDate
    end: IsoDate | None

    @model_validator(mode="after")
    def _days_are_ordered(self) -> Self:
        if self.end is not None and self.end < self.begin:
            raise ValueError("a period ends before it begins")
        return self


class Status(Model):
    """A student's periods in order, the organizations at which they are a student, and the last change."""

    student: Annotated[str, Field(min_length=1, max_length=200)]
    organizations: tuple[str, ...]
    periods: Annotated[tuple[Period, ...], Field(min_length=1)]
    change: Change
    changed: IsoDate


class Statuses(Document):
    """Everyone who was ever exported, in the order of their IDs; `is_dated`: with dates of the partner's."""

    KIND: ClassVar[str] = "exported statuses"

    version: Literal["blindlink/exported-statuses/1"] = "blindlink/exported-statuses/1"
    is_dated: bool = False
    statuses: tuple[Status, ...] = ()


@dataclass(frozen=True, slots=True)
class Linked:
    """A student who is linked now; `periods` are stated by the partner, in order, None where none are."""

    organizations: tuple[str, ...]
    periods: tuple[Period, ...] | None


def updated(
    known: Sequence[Status], linked: Mapping[str, Linked], today: str
) -> tuple[Status, ...]:
    """Return everybody's status as of a day; done again on the same day it changes nothing.

    Where the partner states periods, they count, and of those known before the ones that ended earlier. Where
    none are stated, a period begins on the day on which a student is linked first. Whoever is not linked any
    more is in care no longer: an open period ends today.

    Args:
        known: what was exported before.
        linked: who is linked now, by student ID.
        today: an ISO date.
    """
    before = {one.student: one for one in known}
    found = []
    for student in sorted(before.keys() | linked.keys()):
        old, now = before.get(student), linked.get(student)
        periods = () if old is None else old.periods
        new = _ended(periods, today) if now is None else _current(periods, now.periods, today)
        organizations = now.organizations if now is not None else ()
        if old is not None and (new == periods):
            kept = organizations or old.organizations
            found.append(old.model_copy(update={"organizations": kept}))
            continue
        found.append(
            Status(
                student=student,
                organizations=organizations or (() if old is None else old.organizations),
                periods=new,
                change=_change(periods, new),
                changed=today,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class KeptStatuses:
    """What is kept of one project; use it under the workspace's lock."""

    workspace: Workspace
    project: str

    def read(self) -> Statuses:
        """Return what was exported before.

        Raises:
            WorkspaceError: it is damaged.
        """
        return self._record().read_as(Statuses) or Statuses()

    def keep(self, statuses: Statuses) -> None:
        """Keep what is exported."""
        self._record().write(statuses.to_canonical())

    def _record(self) -> SealedRecord:
        name = f"exports/{self.project}.statuses"
        path = self.workspace.folder / f"{name}.sealed"
        return SealedRecord(path, name, self.workspace.key())


def _current(
    known: tuple[Period, ...], stated: tuple[Period, ...] | None, today: str
) -> tuple[Period, ...]:
    last = known[-1] if known else None
    if stated:
        return (*(p for p in known if p.end is not None and p.end < stated[0].begin), *stated)
    if last is not None and last.end is None:
        return known
    if last is not None and last.end is not None and last.end >= today:
        # The link was gone for less than a day.
        return (*known[:-1], Period(begin=last.begin, end=None))
    return (*known, Period(begin=today, end=None))


def _ended(known: tuple[Period, ...], today: str) -> tuple[Period, ...]:
    last = known[-1]
    if last.end is not None:
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
