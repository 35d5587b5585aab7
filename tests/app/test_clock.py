from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import parse_utc, utc_now, utc_text

MOMENTS = st.integers(0, 2**33).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(MOMENTS)
def test_a_moment_is_read_back(moment: datetime) -> None:
    assert parse_utc(utc_text(moment)) == moment


@given(MOMENTS, MOMENTS)
def test_texts_compare_as_their_moments_do(left: datetime, right: datetime) -> None:
    assert (utc_text(left) < utc_text(right)) == (left < right)


def test_another_time_zone_is_turned_into_utc() -> None:
    moment = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert utc_text(moment) == "2025-12-31T23:30:00Z"
    assert utc_now().utcoffset() == timedelta(0)


def test_other_texts_are_refused() -> None:
    for text in ("", "2026-01-01", "2026-01-01T00:00:00+00:00", "2026-13-01T00:00:00Z"):
        with pytest.raises(ValueError, match=r"does not match|unconverted"):
            parse_utc(text)
