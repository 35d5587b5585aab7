"""When rounds may be opened, and when they and the files for them fall due, by a project's terms.

A schedule with a day of the week has its turns on that day: a round that was late does not put off the next
one. Spec page: `schemas/spec/rounds.md`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.agreement.agreement import ProjectTerms

# Days that a calendar needs at least: a month is never shorter.
PERIOD_DAYS: Final[Mapping[str, int]] = {
    "daily": 1,
    "weekly": 7,
    "monthly": 28,
    "quarterly": 90,
    "yearly": 365,
}
# How long an agency has for its file at most, such as after a correction.
LONGEST: Final = timedelta(days=1)
_DAY: Final = timedelta(days=1)
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def next_day(terms: ProjectTerms, last: date) -> date | None:
    """Return the first day in UTC on which the round after one of the day `last` may be opened.

    None: the schedule has no period.
    """
    period = PERIOD_DAYS.get(terms.frequency)
    if period is None:
        return None
    weekday, _ = _due(terms)
    if weekday is None:
        return last + timedelta(days=period)
    turn = last - timedelta(days=(last.weekday() - weekday) % 7)
    return _on_weekday(turn + timedelta(days=period), weekday)


def round_due(terms: ProjectTerms, last: date) -> datetime | None:
    """Return by when the round after one of the day `last` is opened, with all its files; None: no period.

    Before the first round, `last` is the day from which the terms bind.
    """
    day = next_day(terms, last)
    if day is None:
        return None
    _, at = _due(terms)
    return datetime.combine(day, at, UTC) if at is not None else _midnight(day + _DAY)


def upload_due(terms: ProjectTerms, opened: datetime) -> datetime:
    """Return by when each file is there for a round that was opened at this moment."""
    latest = opened + LONGEST
    weekday, at = _due(terms)
    if at is None:
        return latest
    moment = datetime.combine(opened.date(), at, UTC)
    while moment < opened or weekday not in (None, moment.weekday()):
        moment += _DAY
    return min(moment, latest)


def _due(terms: ProjectTerms) -> tuple[int | None, time | None]:
    """Return the weekday, from 0 for Monday, and the time of day at which files are due; None: any."""
    if terms.due is None:
        return None, None
    *weekday, at = terms.due.split(" ")
    return (_WEEKDAYS.index(weekday[0]) if weekday else None), time.fromisoformat(at)


def _on_weekday(day: date, weekday: int) -> date:
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
