"""Assignment against scipy, and the attack by resemblance where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from encoding.extras.attacks.graph_matching import assign, attack_by_resemblance
from encoding.extras.attacks.plain import plain_clks

N_PEOPLE = 200


@settings(max_examples=150)
@given(
    st.integers(0, 12), st.sampled_from(["real", "few values", "low rank"]), st.integers(0, 10**6)
)
@example(250, "real", 1)
def test_an_assignment_is_as_good_as_that_of_scipy(n: int, kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    gain = random.normal(size=(n, n))
    if kind == "few values":
        gain = random.integers(-2, 3, (n, n)).astype(float)
    elif kind == "low rank":
        gain = random.normal(size=(n, 2)) @ random.normal(size=(2, n))
    columns = assign(gain)
    rows, best = linear_sum_assignment(gain, maximize=True)
    assert sorted(columns.tolist()) == list(range(n))
    assert gain[np.arange(n), columns].sum() == pytest.approx(gain[rows, best].sum())


def test_plain_encodings_are_found_out_without_knowing_anybody(students) -> None:
    people = np.arange(N_PEOPLE)
    victim, attacker = (plain_clks(students, people, digit * 64) for digit in "12")
    assert attack_by_resemblance(victim, attacker, people).share > 0.9


def test_the_same_encodings_are_matched_and_the_order_of_rows_gives_nothing_away() -> None:
    random = np.random.default_rng(3)
    one, other = (random.integers(0, 256, (120, 64), dtype=np.uint8) for _ in range(2))
    assert attack_by_resemblance(one, other, np.arange(120)).n_named <= 5
    assert attack_by_resemblance(one, one, np.arange(120)).n_named == 120
    two = np.zeros((2, 8), dtype=np.uint8)
    assert attack_by_resemblance(two, two, np.arange(2)).n_named == 0
