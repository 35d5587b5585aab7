"""Rows of a match record against the rule written out slowly: what is shown, withheld, and in which order."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.decisions.plan import PADDING, grade, keyed_order, last_reached, plan_rows
from app.matching.exhaustive import Decisions
from schemas.similarity_steps import Step, step_of

KEY = bytes(range(16))

decided = st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, 3)), max_size=60)


@given(decided, st.integers(0, 7))
def test_of_each_kind_the_largest_multiple_of_the_floor_is_shown(rows, floor: int) -> None:
    band = np.array([band for band, _ in rows], dtype=np.uint8)
    kind = np.array([band * 10 + kind for band, kind in rows], dtype=np.int64)
    plan = plan_rows(band, kind, floor, KEY)
    assert sorted(plan.decision[plan.decision != PADDING].tolist()) == list(range(len(rows)))
    shown = Counter(kind[plan.decision[plan.is_shown]].tolist())
    step = max(floor, 1)
    assert shown == Counter(
        {each: n - n % step for each, n in Counter(kind.tolist()).items() if n >= step}
    )
    assert not plan.is_shown[plan.decision == PADDING].any()


@given(decided, st.integers(2, 7))
def test_withheld_rows_and_padding_are_the_next_multiple_above_the_withheld(
    rows, floor: int
) -> None:
    band = np.array([band for band, _ in rows], dtype=np.uint8)
    kind = np.array([band * 10 + kind for band, kind in rows], dtype=np.int64)
    plan = plan_rows(band, kind, floor, KEY)
    hidden = plan.decision[~plan.is_shown]
    withheld = Counter(band[hidden[hidden != PADDING]].tolist())
    expected = sum((withheld[each] // floor + 1) * floor for each in (1, 2))
    assert len(hidden) == expected


@given(decided, st.integers(0, 7))
def test_shown_are_the_first_of_their_kind_in_the_order_of_the_rows(rows, floor: int) -> None:
    band = np.array([band for band, _ in rows], dtype=np.uint8)
    kind = np.array([band * 10 + kind for band, kind in rows], dtype=np.int64)
    plan = plan_rows(band, kind, floor, KEY)
    is_over: set[int] = set()
    for index, is_shown in zip(plan.decision.tolist(), plan.is_shown.tolist(), strict=True):
        if index == PADDING:
            continue
        if not is_shown:
            is_over.add(int(kind[index]))
        assert not (is_shown and int(kind[index]) in is_over)


def test_another_key_gives_another_order_and_the_same_key_the_same() -> None:
    assert keyed_order(KEY, 50).tolist() == keyed_order(KEY, 50).tolist()
    assert sorted(keyed_order(KEY, 50).tolist()) == list(range(50))
    assert keyed_order(KEY, 50).tolist() != keyed_order(bytes(16), 50).tolist()


@given(
    st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 50)), min_size=1, max_size=30),
    st.lists(st.fractions(0, 1, max_denominator=20), min_size=1, max_size=6, unique=True),
)
def test_steps_are_found_as_exactly_as_one_by_one(values, starts: list[Fraction]) -> None:
    steps = tuple(Step(f"{n}", start) for n, start in enumerate(sorted([Fraction(0), *starts])))
    numerator = np.array([top for top, _ in values], dtype=np.int64)
    denominator = np.array([bottom for _, bottom in values], dtype=np.int64)
    found = last_reached(numerator, denominator, steps)
    expected = [step_of(Fraction(top, bottom), steps) for top, bottom in values]
    assert [steps[at].text for at in found.tolist()] == expected


def test_decisions_are_of_one_kind_where_all_but_the_records_is_equal() -> None:
    def columns(values: list[int], dtype: type) -> np.ndarray:
        return np.array(values, dtype=dtype)

    decisions = Decisions(
        left_dataset=columns([0, 0, 0, 0, 0], np.uint16),
        left_record=columns([0, 1, 2, 3, 4], np.uint32),
        right_dataset=columns([1, 1, 1, 2, 1], np.uint16),
        right_record=columns([4, 3, 2, 1, 0], np.uint32),
        common=columns([45, 45, 40, 45, 45], np.uint16),
        total=columns([100, 100, 100, 100, 100], np.uint16),
        band=columns([1, 1, 1, 1, 1], np.uint8),
        rule=columns([1, 1, 1, 1, 1], np.uint8),
        runner_up_common=columns([0, 0, 0, 0, 30], np.uint16),
        runner_up_total=columns([0, 0, 0, 0, 100], np.uint16),
    )
    steps = tuple(Step(f"{n}", Fraction(n, 20)) for n in range(20))
    kind = grade(decisions, steps, steps).kind.tolist()
    assert kind[0] == kind[1]
    assert len(set(kind)) == 4
