"""When rounds and files are due, counted minute by minute from schemas/spec/rounds.md."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from blindlink_verify.rounds import WEEKDAYS, next_day, weekday_of


def round_due(terms: Any, last: str) -> str | None:
    """When the round after one of a day is due."""
    day = next_day(terms, last)
    if day is None:
        return None
    after = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    return f"{day}T{terms['due'].split()[-1]}:00Z" if terms["due"] else f"{after}T00:00:00Z"


def upload_due(terms: Any, opened: str) -> str:
    """When the files of a round are due that was opened at this time."""
    moment = datetime.fromisoformat(opened)
    latest = moment + timedelta(hours=24)
    wanted, time = weekday_of(terms["due"]), terms["due"] and terms["due"].split()[-1]
    while moment < latest:
        is_day = wanted in (None, WEEKDAYS[moment.weekday()])
        if time and is_day and moment.second == 0 and moment.strftime("%H:%M") == time:
            break
        moment += timedelta(seconds=60 - moment.second)
    return min(moment, latest).strftime("%Y-%m-%dT%H:%M:%SZ")
