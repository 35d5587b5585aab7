"""When rounds open and fall due, against a twin that counts days and minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.documents import TERMS
from twins import timetable as twin

from schemas.agreement.agreement import ProjectTerms
from schemas.agreement.clauses import Frequency
from schemas.documents.ids import utc_text
from schemas.rounds.timetable import PERIOD_DAYS, next_day, round_due, upload_due

TIMES = st.times().map(lambda time: time.strftime("%H:%M"))
WEEKDAYS = st.sampled_from([*twin.WEEKDAYS])
DAYS = st.dates(date(2020, 1, 1), date(2060, 1, 1))
MOMENTS = st.integers(1_600_000_000, 2_800_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, Any]:
    frequency = draw(st.sampled_from(get_args(Frequency)))
    due = None
    if frequency in PERIOD_DAYS and draw(st.booleans()):
        due = draw(TIMES)
        if frequency != "daily" and draw(st.booleans()):
            due = f"{draw(WEEKDAYS)} {due}"
    return TERMS | {"frequency": frequency, "due": due}


@given(schedules(), DAYS)
def test_a_round_opens_and_falls_due_as_the_twin_counts(raw: dict[str, Any], last: date) -> None:
    terms = ProjectTerms.from_json(raw)
    day, due = next_day(terms, last), round_due(terms, last)
    assert (day and day.isoformat()) == twin.next_day(raw, last.isoformat())
    assert (due and utc_text(due)) == twin.round_due(raw, last.isoformat())


@given(schedules(), MOMENTS)
def test_files_fall_due_as_the_twin_counts(raw: dict[str, Any], opened: datetime) -> None:
    terms = ProjectTerms.from_json(raw)
    assert utc_text(upload_due(terms, opened)) == twin.upload_due(raw, utc_text(opened))


@pytest.mark.parametrize(
    ("last", "due"),
    [
        # On Sunday, as ever; on the Tuesday after it; and for the first time, in the middle of a week.
        ("2026-09-06", "2026-09-13T22:00:00Z"),
        ("2026-09-08", "2026-09-13T22:00:00Z"),
        ("2026-09-02", "2026-09-06T22:00:00Z"),
    ],
)
def test_a_late_round_does_not_put_off_the_next_one(last: str, due: str) -> None:
    terms = ProjectTerms.from_json(TERMS | {"due": "sunday 22:00"})
    assert utc_text(round_due(terms, date.fromisoformat(last))) == due
