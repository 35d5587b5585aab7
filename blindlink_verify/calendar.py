"""When rounds and files are due, counted day by day and minute by minute from schemas/spec/rounds.md."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

PERIODS = {"daily": 1, "weekly": 7, "monthly": 28, "quarterly": 90, "yearly": 365}
NAMES = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def next_day(terms: Any, last: str) -> str | None:
    """The first day on which the round after one of a day may be opened; None: there is no period."""
    if terms["frequency"] not in PERIODS:
        return None
    wanted, _ = parts(terms["due"])
    day = date.fromisoformat(last)
    while wanted is not None and NAMES[day.weekday()] != wanted:
        day -= timedelta(days=1)
    for _ in range(PERIODS[terms["frequency"]]):
        day += timedelta(days=1)
    while wanted is not None and NAMES[day.weekday()] != wanted:
        day += timedelta(days=1)
    return day.isoformat()


def round_due(terms: Any, last: str) -> str | None:
    """When the round after one of a day is due."""
    day = next_day(terms, last)
    if day is None:
        return None
    _, time = parts(terms["due"])
    after = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    return f"{day}T{time}:00Z" if time else f"{after}T00:00:00Z"


def upload_due(terms: Any, opened: str) -> str:
    """When the files of a round are due that was opened at this time."""
    moment = datetime.fromisoformat(opened)
    latest = moment + timedelta(hours=24)
    wanted, time = parts(terms["due"])
    while moment < latest:
        is_day = wanted in (None, NAMES[moment.weekday()])
        if time and is_day and moment.second == 0 and moment.strftime("%H:%M") == time:
            break
        moment += timedelta(seconds=60 - moment.second)
    return min(moment, latest).strftime("%Y-%m-%dT%H:%M:%SZ")


def parts(due: str | None) -> tuple[str | None, str | None]:
    if due is None:
        return None, None
    words = due.split()
    return (words[0] if len(words) == 2 else None), words[-1]
