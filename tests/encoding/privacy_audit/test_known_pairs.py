"""The arithmetic of the attack, against slow twins."""

from __future__ import annotations

import numpy as np
import pytest
from encoding.specimen import Cleaned, clean_sample, encode_cleaned
from hypothesis import given, settings
from hypothesis import strategies as st

from encoding.linkage import load_shipped
from encoding.privacy_audit import known_pairs
from encoding.privacy_audit.tokens import indicators, seen_often, token_sets
from encoding.secret import Secret
from encoding.synth import K12_LAYOUT

SETS = st.lists(
    st.lists(st.integers(0, 9), unique=True).map(
        lambda tokens: np.array(sorted(tokens), dtype=np.intp)
    ),
    min_size=1,
    max_size=8,
)


@given(SETS, st.integers(1, 4))
def test_indicators_say_which_row_has_which_token(sets: list[np.ndarray], at_least: int) -> None:
    chosen = seen_often(sets, at_least)
    counts = {t: sum(t in s for s in sets) for t in range(10)}
    assert chosen.tolist() == [t for t in range(10) if counts[t] >= at_least]
    expected = [[float(t in s) for t in chosen] for s in sets]
    assert indicators(sets, chosen).tolist() == expected


def test_ridge_by_records_is_ridge_by_bits() -> None:
    random = np.random.default_rng(3)
    known = (random.integers(0, 2, (30, 64)) * 2 - 1).astype(np.float32)
    goal = random.normal(size=(30, 5)).astype(np.float32)
    tested = (random.integers(0, 2, (7, 64)) * 2 - 1).astype(np.float32)
    first = next(iter(known_pairs._predictions(known, goal, tested)))
    # The textbook form: W = (X'X + a I)^-1 X'Y.
    weight = np.linalg.solve(known.T @ known + 0.02 * 64 * np.eye(64), known.T @ goal)
    assert first == pytest.approx(tested @ weight, abs=1e-3)


@settings(max_examples=50)
@given(st.integers(0, 10**6))
def test_the_right_one_is_counted_if_no_other_is_more_alike(seed: int) -> None:
    random = np.random.default_rng(seed)
    likeness = random.normal(size=(6, 20)).astype(np.float32)
    right = random.integers(0, 20, 6)
    ranks = [list(np.argsort(-row)).index(own) for row, own in zip(likeness, right, strict=True)]
    assert known_pairs._named(likeness, right) == (ranks.count(0), sum(rank < 10 for rank in ranks))


def test_an_attack_that_finds_all_alike_wins_nothing() -> None:
    likeness = np.zeros((100, 1000), dtype=np.float32)
    assert known_pairs._named(likeness, np.arange(100)) == (0, 1)


def test_a_token_of_two_fields_is_two_tokens() -> None:
    columns = {name: ["MM"] for name in load_shipped("children").recipe["columns"]}
    cleaned = Cleaned(np.zeros(1, dtype=np.intp), np.ones(1, dtype=bool), columns)
    (tokens,) = token_sets(cleaned, load_shipped("children"))
    # " M", "MM", "M " of two names; whole values and single characters of the others.
    assert len(tokens) == 3 + 3 + 1 + 1 + 1 + 1 + 1 + 1


def test_attacks_on_few_people_are_repeated_and_added_up(student_sample, student_columns) -> None:
    profile = load_shipped("children")
    cleaned = clean_sample(student_sample, profile, student_columns, K12_LAYOUT.date_format)
    few = cleaned.take(np.flatnonzero(cleaned.record < 520))
    specimen = encode_cleaned(few, profile, Secret(bytes(range(32))))
    tokens = token_sets(specimen.cleaned, profile)
    once = known_pairs.attack_once(specimen, tokens, 50, seed=1)
    often = known_pairs.attack_known_pairs(specimen, tokens, 50, seed=1)
    assert once.n_tested < 520
    assert often.n_tested >= 2_000
    assert often.n_tested % once.n_tested == 0
    assert often.n_first >= once.n_first
