"""Rows of a match record against the rule written out slowly: what is shown, withheld, and in which order."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.decisions import plan as plans
from app.decisions.plan import NO_LEAD, PADDING, grade, keyed_order, plan_rows
from app.matching.blocks.bounds import least_lead
from app.matching.blocks.decisions import Band, Decisions, Rule
from app.matching.blocks.pairs import MEETING
from app.matching.blocks.rivals import NO_RIVAL
from app.matching.blocks.weights import least_weight
from schemas.decision_steps import LEAD_STEPS, PROBABILITY_STEPS

KEY = bytes(range(16))

decided = st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, 3)), max_size=60)


@given(decided, st.integers(0, 7))
def test_of_each_kind_the_largest_multiple_of_the_floor_is_shown(rows, floor: int) -> None:
    band = np.array([band for band, _ in rows], dtype=np.uint8)
    kind = np.array([band * 10 + kind for band, kind in rows], dtype=np.uint16)
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
    kind = np.array([band * 10 + kind for band, kind in rows], dtype=np.uint16)
    plan = plan_rows(band, kind, floor, KEY)
    hidden = plan.decision[~plan.is_shown]
    withheld = Counter(band[hidden[hidden != PADDING]].tolist())
    expected = sum((withheld[each] // floor + 1) * floor for each in (1, 2))
    assert len(hidden) == expected


@given(decided, st.integers(0, 7), st.integers(1, 70))
def test_shown_are_the_first_of_their_kind_in_the_order_of_the_rows(
    rows, floor: int, at_once: int
) -> None:
    band = np.array([band for band, _ in rows], dtype=np.uint8)
    kind = np.array([band * 10 + kind for band, kind in rows], dtype=np.uint16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "_AT_ONCE", at_once)
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


@given(st.lists(st.integers(-20_000, 20_000), max_size=20))
def test_a_pair_belongs_to_the_last_step_whose_start_its_weight_reaches(weights: list[int]) -> None:
    graded = grade(resolution_of(weights, weights))
    for total, at in zip(weights, graded.probability.tolist(), strict=True):
        reached = [
            n for n, step in enumerate(PROBABILITY_STEPS) if n and total >= least_weight(step)
        ]
        assert at == max(reached, default=0)
    for ahead, at in zip(weights, graded.lead.tolist(), strict=True):
        reached = [n for n, step in enumerate(LEAD_STEPS) if n and ahead >= least_lead(step)]
        assert at == max(reached, default=0)


def test_a_pair_without_a_rival_has_no_lead() -> None:
    assert grade(resolution_of([5000], [NO_RIVAL])).lead.tolist() == [NO_LEAD]


@pytest.mark.parametrize(("times", "weight"), [(1, 0), (2, 1000), (10, 3322), (1000, 9966)])
def test_a_lead_is_the_least_whole_weight_that_is_not_below_it(times: int, weight: int) -> None:
    assert least_lead(times) == weight


def resolution_of(totals: list[int], leads: list[int], bands: list[int] | None = None) -> Any:
    """Return what a run decided of as many pairs."""
    pairs = np.zeros(len(totals), dtype=MEETING)
    pairs["larger"] = pairs["smaller"] = np.arange(len(totals))
    band = np.array(bands or [Band.AUTO] * len(totals), dtype=np.uint8)
    rule = np.full(len(totals), Rule.MATCH_PROBABILITY, dtype=np.uint8)
    decisions = Decisions(band, rule, np.array(leads, dtype=np.int64))
    return SimpleNamespace(pairs=pairs, total=np.array(totals, dtype=np.int64), decisions=decisions)


def test_decisions_are_of_one_kind_where_all_but_the_records_is_equal() -> None:
    bands = [Band.AUTO, Band.AUTO, Band.REVIEW, Band.AUTO, Band.AUTO, Band.REJECT]
    graded = grade(
        resolution_of([9000, 9001, 9000, 2000, 9000, 9000], [500, 700, 500, 500, 5000, 500], bands)
    )
    kind = graded.kind.tolist()
    assert len(kind) == 5
    assert kind[0] == kind[1]
    assert len(set(kind)) == 4
    assert graded.larger.tolist() == [0, 1, 2, 3, 4]
