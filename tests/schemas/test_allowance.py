"""How many questions a review may ask: what is left, by the slow verifier's way of counting weeks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from blindlink_verify import reviews
from schemas.agreement.allowance import KEPT_WEEKS, Charge, charge_of, questions_left
from schemas.agreement.clauses import Review
from schemas.documents.ids import utc_text

CLAUSE = Review(reviewer="cw", persons=1, first=200, weekly=10, bucket=20, days=14, consent=None)
BEGUN = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)
CHARGES = st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 300)), max_size=12)


@given(CHARGES, st.integers(0, 200), st.integers(1, 300), st.integers(1, 30))
def test_what_is_left_is_the_twins(
    asked: list[tuple[int, int]], later: int, first: int, weekly: int
) -> None:
    clause = CLAUSE.model_copy(update={"first": first, "weekly": weekly})
    before = [Charge(utc_text(BEGUN + timedelta(hours=at)), n) for at, n in sorted(asked)]
    last = datetime.fromisoformat(before[-1].time) if before else BEGUN
    now = utc_text(last + timedelta(days=later))
    charged = [(one.time, one.questions) for one in before]
    left = reviews.questions_left(clause.model_dump(), charged, now)
    assert questions_left(clause, before, now) == left


def test_an_agency_that_takes_all_it_may_gets_the_first_ones_and_then_so_many_a_week() -> None:
    taken: list[Charge] = []
    for day in range(365):
        now = utc_text(BEGUN + timedelta(days=day))
        if (left := questions_left(CLAUSE, taken, now)) > 0:
            taken.append(Charge(now, left))
    assert taken[0].questions == CLAUSE.first
    assert len(taken) == 1 + 53 - KEPT_WEEKS
    assert {one.questions for one in taken[1:]} == {CLAUSE.weekly}
    # What was left for a year is worth no more than eight weeks.
    assert questions_left(CLAUSE, taken[:1], utc_text(BEGUN + timedelta(days=365))) == 80
    assert [charge_of(n, 10) for n in (1, 9, 10, 11)] == [10, 10, 10, 11]
