"""The forecast against a simulation, and thresholds that move the right way."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoding.calibrate.recommendation import (
    MAX_FALSE_SHARE,
    Evidence,
    Setting,
    forecast,
    recommend,
    strangers_per_record,
)

PLAIN = tuple(Fraction(60 + number, 100) for number in range(41))


def evidence(decay: float = 0.7, first: int = 200_000, factor: float = 1.0) -> Evidence:
    """Partners mostly high, strangers falling by `decay` a step from `first` pairs of a million."""
    levels = np.random.default_rng(1).binomial(41, 0.8, 2_000)
    pairs = (first * decay ** np.arange(41)).astype(np.int64)
    return Evidence(PLAIN, levels, pairs, 1_000_000, factor)


def simulate(
    found: Evidence, setting: Setting, margin: int, repeats: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw partners and best strangers record by record, and link what is ahead by the margin."""
    rng = np.random.default_rng(7)
    expected = strangers_per_record(found, setting.other_records)
    n, n_true = (
        setting.own_records * repeats,
        round(setting.own_records * setting.expected_share) * repeats,
    )
    # The best stranger reaches level k with probability 1 - exp(-expected[k - 1]).
    draw = rng.random(n)
    best = (draw[:, None] > np.exp(-expected)[None, :]).sum(axis=1)
    partner = np.zeros(n, dtype=np.intp)
    partner[:n_true] = rng.choice(found.partner_levels, n_true)
    right = np.zeros(len(PLAIN))
    wrong = np.zeros(len(PLAIN))
    for at in range(len(PLAIN)):
        is_right = (partner > at) & (best < partner - margin)
        is_wrong = (best > at) & (best > partner + margin)
        right[at], wrong[at] = is_right.sum() / repeats, is_wrong.sum() / repeats
    return right, wrong


@pytest.mark.parametrize("margin", [0, 2])
def test_the_forecast_is_what_a_simulation_finds_or_more_careful(margin: int) -> None:
    found, setting = evidence(), Setting(1_000, 20_000, 0.5)
    expected = forecast(found, setting, margin)
    right, wrong = simulate(found, setting, margin, repeats=40)
    safe = slice(20, None)
    assert expected.right[safe] == pytest.approx(right[safe], rel=0.05, abs=3)
    assert (expected.wrong[safe] >= wrong[safe] * 0.9 - 1).all()
    assert (expected.wrong[safe] <= wrong[safe] * 3 + 3).all()


@settings(max_examples=40, deadline=None)
@given(st.floats(0.4, 0.9), st.integers(0, 500_000), st.integers(10, 10**7), st.floats(0.05, 1))
def test_a_recommendation_keeps_its_promise_or_says_that_it_cannot(
    decay: float, first: int, other: int, share: float
) -> None:
    setting = Setting(3_000, other, share)
    found = recommend(evidence(decay, first), setting)
    assert found.review <= found.auto
    assert 0 <= found.margin <= Fraction(5, 100)
    if found.is_safe:
        assert found.n_wrong <= MAX_FALSE_SHARE * found.n_right + 1e-6


def test_more_strangers_ask_for_higher_thresholds() -> None:
    autos = [
        recommend(evidence(), Setting(4_000, other, 0.5)).auto
        for other in (2_000, 200_000, 20_000_000)
    ]
    assert autos == sorted(autos)
    assert autos[0] < autos[-1]


def test_likenesses_that_decoys_lack_ask_for_higher_thresholds() -> None:
    setting = Setting(4_000, 20_000, 0.5)
    more, fewer = recommend(evidence(0.5, factor=5), setting), recommend(evidence(0.5), setting)
    assert more.is_safe
    assert more.auto > fewer.auto


def test_the_tail_beyond_what_was_counted_goes_on_falling() -> None:
    found = strangers_per_record(evidence(), 1_000_000)
    assert (np.diff(found) <= 0).all()
    exact = 200_000 * 0.7 ** np.arange(41)
    # Where there was next to nothing to count, the line is within a factor of two of the truth.
    assert found[28:38] == pytest.approx(exact[28:38], rel=1.0)


def test_no_strangers_at_all_are_not_taken_for_certainty() -> None:
    none = Evidence(PLAIN, np.full(100, 41), np.zeros(41, dtype=np.int64), 1_000_000, 1.0)
    assert (strangers_per_record(none, 1_000_000) > 0).all()


def test_where_strangers_are_as_alike_as_partners_nothing_is_called_safe() -> None:
    hopeless = Evidence(PLAIN, np.full(100, 20), np.full(41, 900_000), 1_000_000, 1.0)
    assert not recommend(hopeless, Setting(1_000, 1_000, 0.5)).is_safe
