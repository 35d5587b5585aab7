"""Rows of a match record against the rule written out slowly: what is shown, withheld, and in which order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.decisions.plan import (
    GRADED,
    NO_LEAD,
    REVIEWED,
    KeyedOrder,
    Ranks,
    Shown,
    columns_of,
    grade,
    kinds_of,
)
from app.matching.blocks.decisions import DECIDED, Band, Rule
from app.matching.blocks.resolution import least_lead
from app.matching.blocks.rivals import NO_RIVAL
from app.matching.blocks.weights import least_weight
from schemas.linkage.decision_steps import LEAD_STEPS, PROBABILITY_STEPS

KEY = bytes(range(16))

decided = st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, 3)), max_size=60)


def graded_rows(rows: list[tuple[int, int]]) -> Any:
    """Return decisions of these bands and rules."""
    graded = np.zeros(len(rows), dtype=GRADED)
    graded["band"], graded["rule"] = [band for band, _ in rows], [rule for _, rule in rows]
    return graded


@given(decided, st.integers(0, 7), st.integers(1, 4))
def test_of_each_kind_the_largest_multiple_of_the_floor_is_shown(
    rows: list[tuple[int, int]], floor: int, n_parts: int
) -> None:
    graded = graded_rows(rows)
    shown = Shown(np.array_split(graded, n_parts), floor)
    assert shown.n_decisions == len(rows)
    step = max(floor, 1)
    n_each = Counter(kinds_of(graded).tolist())
    n_shown = dict(enumerate(shown.n_shown.tolist()))
    assert {kind: n for kind, n in n_shown.items() if n} == {
        kind: n - n % step for kind, n in n_each.items() if n >= step
    }


@given(decided, st.integers(2, 7))
def test_withheld_rows_and_padding_are_the_next_multiple_above_the_withheld(
    rows: list[tuple[int, int]], floor: int
) -> None:
    withheld = Counter(band for (band, _), n in Counter(rows).items() for _ in range(n % floor))
    expected = sum((withheld[each] // floor + 1) * floor - withheld[each] for each in (1, 2))
    assert Shown([graded_rows(rows)], floor).n_padding == expected


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(1, 9))
def test_ranks_count_rows_of_a_kind_from_the_first_one_on(kinds: list[int], n_parts: int) -> None:
    ranks, found = Ranks(), []
    for part in np.array_split(np.array(kinds, dtype=np.intp), n_parts):
        found += ranks.next(part).tolist()
    assert found == [kinds[:at].count(kind) for at, kind in enumerate(kinds)]


def test_another_key_gives_another_order_and_the_same_key_the_same() -> None:
    first, *_ = orders = [KeyedOrder(key).next(50).tolist() for key in (KEY, KEY, bytes(16))]
    assert orders[1] == first != orders[2]
    stream = KeyedOrder(KEY)
    assert [*stream.next(20).tolist(), *stream.next(30).tolist()] == first
    assert len(set(first)) == 50


@given(decided)
def test_the_columns_of_a_kind_are_those_that_it_was_made_of(rows: list[tuple[int, int]]) -> None:
    graded = graded_rows(rows)
    assert columns_of(kinds_of(graded)) == [
        tuple(row) for row in graded[["band", "rule", "probability", "lead"]].tolist()
    ]


@given(st.lists(st.integers(-20_000, 20_000), max_size=20))
def test_a_pair_belongs_to_the_last_step_whose_start_its_weight_reaches(weights: list[int]) -> None:
    graded = grade(resolution_of(weights, weights))
    for total, at in zip(weights, graded["probability"].tolist(), strict=True):
        reached = [
            n for n, step in enumerate(PROBABILITY_STEPS) if n and total >= least_weight(step)
        ]
        assert at == max(reached, default=0)
    for ahead, at in zip(weights, graded["lead"].tolist(), strict=True):
        reached = [n for n, step in enumerate(LEAD_STEPS) if n and ahead >= least_lead(step)]
        assert at == max(reached, default=0)


def test_a_pair_without_a_rival_has_no_lead() -> None:
    assert grade(resolution_of([5000], [NO_RIVAL]))["lead"].tolist() == [NO_LEAD]


@pytest.mark.parametrize(("times", "weight"), [(1, 0), (2, 1000), (10, 3322), (1000, 9966)])
def test_a_lead_is_the_least_whole_weight_that_is_not_below_it(times: int, weight: int) -> None:
    assert least_lead(times) == weight


def resolution_of(totals: list[int], leads: list[int], bands: list[int] | None = None) -> Any:
    """Return what a run decided of as many pairs."""
    rows = np.zeros(len(totals), dtype=DECIDED)
    rows["larger"] = rows["smaller"] = np.arange(len(totals))
    rows["total"], rows["lead"] = totals, leads
    rows["band"] = bands or [Band.AUTO] * len(totals)
    rows["rule"] = Rule.MATCH_PROBABILITY
    return rows


def test_decisions_are_of_one_kind_where_all_but_the_records_is_equal() -> None:
    bands = [Band.AUTO, Band.AUTO, Band.REVIEW, Band.AUTO, Band.AUTO, Band.REJECT]
    graded = grade(
        resolution_of([9000, 9001, 9000, 2000, 9000, 9000], [500, 700, 500, 500, 5000, 500], bands)
    )
    kind = kinds_of(graded).tolist()
    assert len(kind) == 5
    assert kind[0] == kind[1]
    assert len(set(kind)) == 4
    assert graded["larger"].tolist() == [0, 1, 2, 3, 4]


def test_what_a_person_accepted_is_by_no_rule_of_a_run() -> None:
    assert REVIEWED not in set(Rule)
    assert kinds_of(graded_rows([(1, REVIEWED)])) < kinds_of(graded_rows([(2, 0)]))
