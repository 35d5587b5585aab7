"""What a run's page shows of its pairs, held against a reader who adds and subtracts all of it.

What a reader can compute is what lies in the span of the sums that are shown. The pairs are told apart as
finely as the page could: by step of match weight, side of a bound within it, and what became of them.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.matching.blocks.weights import UNIT, least_weight
from app.runs.counts import Found, NotLinked, Step, histogram_of, shown_counts, shown_not_linked
from schemas.api.runs import RunCounts
from schemas.linkage.run import RECOMMENDED_POLICY, MatchingPolicy

FLOOR = 5
ENDS = ("below", "held", "rival", "linked")


@dataclass(frozen=True)
class Kind:
    """Pairs of one step of weight, on one side of the bounds within it, and what became of them."""

    bits: int
    side: int
    end: str


@dataclass(frozen=True)
class Case:
    policy: MatchingPolicy
    pairs: dict[Kind, int]

    def total(self, end: str) -> int:
        return sum(n for kind, n in self.pairs.items() if kind.end == end)


def kinds_under(policy: MatchingPolicy) -> list[Kind]:
    """Return what pairs there can be of a few steps around both bounds."""
    review, auto = least_weight(policy.review), least_weight(policy.auto)
    found = []
    for bits in range(review // UNIT - 1, auto // UNIT + 1):
        cuts = sorted(
            {bound for bound in (review, auto) if bits * UNIT < bound < (bits + 1) * UNIT}
        )
        for side, start in enumerate([bits * UNIT, *cuts]):
            if start < review:
                found.append(Kind(bits, side, "below"))
                continue
            ends = ("held", "rival", *(["linked"] * (start >= auto)))
            found += [Kind(bits, side, end) for end in ends]
    return found


# On whole bits, between them, and both within one step.
BOUNDS = (("0.5", "0.5"), ("0.5", "0.6"), ("0.5", "0.7"), ("0.3", "0.6"), ("0.6", "0.65"))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    review, auto = draw(st.sampled_from(BOUNDS))
    policy = RECOMMENDED_POLICY.model_copy(update={"auto": auto, "review": review})
    kinds = kinds_under(policy)
    count = st.sampled_from([0, 0, 1, 2, 3, 4, 5, 7, 20, 40])
    pairs = {kind: draw(count) for kind in kinds}
    return Case(policy, pairs)


def shown_of(case: Case) -> tuple[RunCounts, NotLinked, tuple[Step, ...]]:
    steps = Counter[int]()
    for kind, n in case.pairs.items():
        steps[kind.bits] += n
    histogram = sorted((bits, n) for bits, n in steps.items() if n)
    total = {end: case.total(end) for end in ENDS}
    found = Found(sum(total.values()), total["linked"], total["held"], 0, 0, 0, (), total["rival"])
    not_linked = shown_not_linked(found, FLOOR)
    run: Any = SimpleNamespace(histogram=json.dumps(histogram))
    return (
        shown_counts(found, FLOOR),
        not_linked,
        histogram_of(run, found, case.policy, FLOOR, not_linked),
    )


def sums_shown(case: Case, *, knows_links: bool) -> list[tuple[int, list[bool]]]:
    """Return each number that a reader has, with the kinds of pairs that it counts."""
    counts, not_linked, steps = shown_of(case)
    of_end = {
        "linked": case.total("linked") if knows_links else counts.auto_pairs,
        "held": counts.review_pairs,
        "below": not_linked.below_review,
        "rival": not_linked.better_rival,
    }
    known = [
        (counts.candidate_pairs, [True for _ in case.pairs]),
        (not_linked.pairs, [kind.end != "linked" for kind in case.pairs]),
        *((n, [kind.end == end for kind in case.pairs]) for end, n in of_end.items()),
        *((step.pairs, [kind.bits == step.bits for kind in case.pairs]) for step in steps),
    ]
    return [(n, counted) for n, counted in known if n is not None and any(counted)]


def computable(known: list[tuple[int, list[bool]]], n_kinds: int) -> np.ndarray[Any, Any]:
    """Return every set of kinds of which a reader can compute how many pairs there are."""
    every = np.array(list(product([0, 1], repeat=n_kinds)), dtype=float)[1:]
    if not known:
        return every[:0]
    rows = np.array([counted for _, counted in known], dtype=float)
    span = np.linalg.pinv(rows) @ rows
    return every[np.abs(every @ span - every).max(axis=1) < 1e-9]


@settings(max_examples=150, deadline=None)
@given(cases(), st.booleans())
def test_no_arithmetic_on_the_page_comes_to_a_small_number(case: Case, knows_links: bool) -> None:
    kinds = list(case.pairs)
    known = sums_shown(case, knows_links=knows_links)
    sizes = np.array([case.pairs[kind] for kind in kinds])
    links = np.array([kind.end == "linked" for kind in kinds])
    for n, counted in known:
        assert n == int(sizes @ np.array(counted)), "what is shown is true"
    for one in computable(known, len(kinds)):
        # Anyone who receives links knows how many they are.
        if not (knows_links and (one == links).all()):
            assert int(one @ sizes) >= FLOOR, [
                kind for kind, is_in in zip(kinds, one, strict=True) if is_in
            ]


@settings(max_examples=150, deadline=None)
@given(cases())
def test_what_is_shown_adds_up(case: Case) -> None:
    counts, not_linked, _ = shown_of(case)
    parts = (counts.review_pairs, not_linked.below_review, not_linked.better_rival)
    if None not in parts and not_linked.pairs is not None:
        assert sum(parts) == not_linked.pairs  # type: ignore[arg-type]
    if not_linked.pairs is not None:
        assert counts.candidate_pairs == (counts.auto_pairs or 0) + not_linked.pairs
