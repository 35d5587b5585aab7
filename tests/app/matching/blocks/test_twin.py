"""Every step of the matching of rows against its slow twin, equal to the bit."""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import astuple
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.block_rows import InParts, as_array, near, random_counts, random_rows
from samples.matching_profiles import random_profile
from twins import block_matching as twin
from twins import decision

from app.matching.blocks import bins, rivals
from app.matching.blocks.bins import MemoryShelf, PairLots
from app.matching.blocks.decisions import Band, BandRule, Rule
from app.matching.blocks.errors import LinkedBeforeTwiceError
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import best_of_pairs
from app.matching.blocks.ranges import Sizes, meet_range, met_from_bytes, met_to_bytes, plan_ranges
from app.matching.blocks.resolution import LinkPolicy, Resolution, resolve_pair
from app.matching.blocks.rivals import NO_RIVAL, BestTwo
from app.matching.blocks.weights import (
    count_patterns,
    fit_weights,
    least_weight,
    model_of,
    probability,
    shipped_scores,
    weight,
)
from schemas.linkage.counts import published_counts

SEEDS = st.integers(0, 2**32)
PROBABILITIES = st.integers(1, 99_999).map(lambda n: f"0.{n:05}")


@given(seed=SEEDS)
def test_levels_are_those_of_the_twin(seed: int) -> None:
    random = Random(seed)
    profile = random_profile(random)
    left = [twin.Row(bytes(16), 0, random.randbytes(64)) for _ in range(20)]
    right = [one._replace(sealed=near(random, one.sealed, profile)) for one in left]
    rules = LevelRules(profile)
    levels = rules.of_rows(as_array(left), as_array(right))
    codes = rules.codes(levels)
    expected = [
        twin.pattern_of(a.sealed, b.sealed, profile) for a, b in zip(left, right, strict=True)
    ]
    assert list(map(tuple, levels.tolist())) == expected
    assert codes.tolist() == [twin.pattern_number(one, profile) for one in expected]
    assert (rules.levels_of(codes) == levels).all()


@given(
    seed=SEEDS,
    smaller_each=st.integers(1, 9),
    larger_each=st.integers(1, 9),
    each=st.integers(1, 40),
)
def test_meetings_are_those_of_the_twin_wherever_ranges_are_cut(
    seed: int, smaller_each: int, larger_each: int, each: int
) -> None:
    random = Random(seed)
    profile = random_profile(random)
    smaller, larger = random_rows(random, profile, 6, 9, random.randint(1, 12))
    stored = InParts(as_array(smaller), smaller_each), InParts(as_array(larger), larger_each)
    rules = LevelRules(profile)
    ranges = plan_ranges(*stored, rows_each=each)
    found = [meet_range(within, *stored, rules) for within in ranges]
    expected = sorted(twin.meet(smaller, larger, profile), key=lambda one: one.row_smaller)
    assert [tuple(one) for one in np.concatenate(found).tolist()] == [
        (a, b, twin.pattern_number(levels, profile), at, place)
        for a, b, levels, at, place, _ in expected
    ]
    for within, met in zip(ranges, found, strict=True):
        again = met_from_bytes(met_to_bytes(met, within), within, Sizes(6, 9), rules)
        assert (again == met).all()


@given(seed=SEEDS, n_ranges=st.integers(1, 5), held=st.sampled_from([1, 3, 1000]))
def test_the_best_meeting_of_a_pair_is_the_twins_however_many_are_held(
    seed: int, n_ranges: int, held: int
) -> None:
    random = Random(seed)
    profile = random_profile(random)
    counts = random_counts(random, profile)
    smaller, larger = random_rows(random, profile, 2, 2, random.randint(1, 12))
    rules = LevelRules(profile)
    scores = shipped_scores(model_of(profile, counts, 5_000))
    stored = InParts(as_array(smaller), 100), InParts(as_array(larger), 100)
    met = meet_range(plan_ranges(*stored, rows_each=100)[0], *stored, rules)
    shuffled = met[np.array(random.sample(range(len(met)), len(met)), dtype=np.intp)]
    expected = twin.best_meetings(twin.meet(smaller, larger, profile), profile, counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bins, "_HELD_BYTES", 32 * held)
        patch.setattr(bins, "_FEWEST_BINS", 1 + seed % 3)
        lots = PairLots(partial(best_of_pairs, rules=rules, scores=scores), 2, MemoryShelf())
        for some in np.array_split(shuffled, n_ranges):
            lots.add(some)
        n_out = lots.close(lambda pairs: pairs["larger"] == 0)
    assert lots.n_meetings == len(met)
    assert n_out == sum(b == 0 for _, b, *_ in expected)
    for _ in range(2):
        assert np.concatenate(list(lots)).tolist() == [
            (a, b, twin.pattern_number(levels, profile), at, place, is_unsteady)
            for a, b, levels, at, place, is_unsteady in expected
            if b
        ]


@given(seed=SEEDS)
def test_the_best_other_pair_of_a_record_is_the_one_that_looking_at_all_finds(seed: int) -> None:
    random = Random(seed)
    pairs = [(random.randint(0, 4), random.randint(-2, 2)) for _ in range(random.randint(1, 12))]
    record = np.array([one for one, _ in pairs], dtype=np.uint32)
    total = np.array([one for _, one in pairs], dtype=np.int64)
    chosen = np.flatnonzero([random.random() < 0.5 for _ in pairs])
    best = BestTwo(record[chosen])
    for some in np.array_split(np.arange(len(pairs)), random.randint(1, 4)):
        best.add(record[some], total[some])
    rivals = best.rivals(record[chosen], total[chosen]).tolist()
    for at, rival in zip(chosen.tolist(), rivals, strict=True):
        others = [
            other
            for number, (one, other) in enumerate(pairs)
            if one == pairs[at][0] and number != at
        ]
        assert rival == max(others, default=NO_RIVAL)


@given(seed=SEEDS)
def test_the_fit_and_its_weights_are_the_twins(seed: int) -> None:
    random = Random(seed)
    profile = random_profile(random)
    counts = random_counts(random, profile)
    n_smaller, n_larger = random.randint(1, 300), random.randint(2_000, 9_000)
    sizes = [len(field.levels) for field in profile.fields]
    patterns = {
        tuple(random.randint(0, size) for size in sizes): random.choice([1, 2, 40, 3_000])
        for _ in range(random.randint(0, 12))
    }
    share = Fraction(random.randint(1, 1000), 1000)
    fitted = twin.fit(patterns, profile, counts, n_smaller, n_larger, share)
    rules = LevelRules(profile)
    codes = [twin.pattern_number(one, profile) for one in Counter(patterns).elements()]
    shuffled = np.array(random.sample(codes, len(codes)), dtype=np.int64)
    table = count_patterns(rules, np.array_split(shuffled, random.randint(1, 4)))
    weights = fit_weights(
        model_of(profile, counts, n_larger),
        table,
        n_pairs=n_smaller * n_larger,
        prior_matches=float(share * n_smaller),
    )
    assert [list(field[1:]) for field in weights.m] == fitted.m
    assert weights.rounds == fitted.rounds
    assert weights.prior == twin.weight(fitted.rate)
    u = twin.strangers_u(counts)
    assert [list(field[1:]) for field in weights.fields] == twin.field_weights(fitted.m, u)
    assert [
        (one, n, total, taken)
        for one, n, total, taken in zip(
            table.levels, table.pairs, weights.total, weights.twins, strict=True
        )
    ] == [
        (
            one,
            patterns[one],
            twin.total_weight(one, fitted, profile, counts, n_larger),
            twin.weight(twin.twins_factor(one, counts, n_larger)),
        )
        for one in sorted(patterns, key=lambda one: twin.pattern_number(one, profile))
    ]


@given(ratio=st.floats(1e-30, 1e30))
def test_a_weight_is_the_nearest_whole_number(ratio: float) -> None:
    assert weight(ratio) == twin.weight(ratio)


@given(total=st.integers(-100_000, 100_000))
def test_a_probability_is_the_twins(total: int) -> None:
    assert probability(total) == twin.match_probability(total)


@given(bound=PROBABILITIES)
def test_a_bound_is_the_least_weight_that_reaches_it(bound: str) -> None:
    assert least_weight(bound) == twin.least_weight(bound)


def pair_of(pair: Any) -> tuple[int, int]:
    return int(pair["smaller"]), int(pair["larger"])


def decided(run: Resolution) -> dict[tuple[int, int], tuple[str, str]]:
    return {
        pair_of(pair): (Band(pair["band"]).name.lower(), Rule(pair["rule"]).label)
        for pair in run.rows()
    }


@given(seed=SEEDS)
def test_a_run_is_the_twins_whatever_its_ranges_and_their_order(seed: int) -> None:
    random = Random(seed)
    profile = random_profile(random)
    smaller, larger = random_rows(random, profile, 4, 5, random.randint(1, 15))
    n_smaller, n_larger = 4, random.choice([5, 2_000])
    counts = random_counts(random, profile)
    used = counts if n_larger >= 2_000 else published_counts(profile, n_larger)
    share = Fraction(random.randint(1, 10), 10)
    bounds = sorted(random.choice([0.001, 0.05, 0.5, 0.9, 0.99]) for _ in range(2))
    policy = decision.Policy(
        auto=str(bounds[1]),
        review=str(bounds[0]),
        lead=random.choice([0, 1, 3_000]),
        twin_limit=random.choice([None, 0, 1_000]),
    )

    best = twin.candidates(twin.meet(smaller, larger, profile), profile, used)
    patterns = Counter(one.levels for one in best)
    fitted = twin.fit(patterns, profile, used, n_smaller, n_larger, share)
    candidates = [
        decision.candidate(
            one,
            twin.total_weight(one.levels, fitted, profile, used, n_larger),
            twin.weight(twin.twins_factor(one.levels, used, n_larger)),
            profile,
            policy,
        )
        for one in best
    ]
    expected = decision.decide(candidates, policy)

    stored = (
        InParts(as_array(smaller), random.randint(1, 9)),
        InParts(as_array(larger), random.randint(1, 9)),
    )
    ranges = plan_ranges(*stored, rows_each=random.randint(1, 30))
    met = [meet_range(within, *stored, LevelRules(profile)) for within in ranges]
    bands = BandRule.of_probabilities(**policy._asdict())

    def resolved(**options: Any) -> Resolution:
        return resolve_pair(
            random.sample(met, len(met)),
            profile=profile,
            counts=counts,
            sizes=Sizes(n_smaller, n_larger),
            policy=LinkPolicy(share, bands),
            **options,
        )

    if twin.are_linked_twice(best, profile):
        with pytest.raises(LinkedBeforeTwiceError):
            resolved()
        return
    run = resolved()
    assert [(*pair_of(pair), int(pair["total"])) for pair in run.rows()] == [
        one[:3] for one in candidates
    ]
    assert run.n_candidates == len(candidates)
    assert dict(zip(run.table.levels, run.table.pairs, strict=True)) == patterns
    assert decided(run) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bins, "_HELD_BYTES", random.choice([1, 200, 10_000]))
        patch.setattr(bins, "_FEWEST_BINS", random.randint(1, 4))
        patch.setattr(bins, "_AT_ONCE", random.choice([1, 2, 1000]))
        patch.setattr(rivals, "_AT_ONCE", random.choice([1, 2, 1000]))
        likely = resolved(likely_alone=True, shelf=MemoryShelf())
    assert decided(likely) == {
        pair: one for pair, one in expected.items() if one[1] != "below-review"
    }
    leads = {pair_of(pair): int(pair["lead"]) for pair in run.rows()}
    for pair in likely.rows():
        assert pair["lead"] == leads[pair_of(pair)]
    said = operator.attrgetter(
        "table", "weights", "n_candidates", "n_rejected_before", "n_meetings",
        "expected_false_matches", "expected_missed", "concordance", "histogram",
    )  # fmt: skip
    assert said(likely) == said(run)
    linked = [one.total for one in candidates if expected[one.smaller, one.larger][0] == "auto"]
    assert run.expected_missed == decision.missed(candidates, expected)
    assert run.expected_false_matches == decision.expected_false(linked)
    linked_levels = [
        one
        for pair, one in zip(candidates, best, strict=True)
        if expected[pair.smaller, pair.larger][0] == "auto"
    ]
    assert [astuple(one) for one in run.concordance] == decision.concordance(
        [one.levels for one in linked_levels], profile
    )
    assert dict(run.histogram) == Counter(one.total // 1000 for one in candidates)
