"""Weights and bands by the vectors that all readers share."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from vectors.file import read_vectors
from vectors.matching import matching_vectors

from app.matching.blocks.decisions import Band, BandRule, Rule, Weighed, decide
from app.matching.blocks.doubts import are_doubtful, capped
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import MEETING
from app.matching.blocks.rivals import BestTwo, lead
from app.matching.blocks.weights import (
    count_patterns,
    fit_weights,
    least_weight,
    model_of,
    probability,
    weight,
)
from schemas.counts import FileCounts
from schemas.profile import EncodingProfile

VECTORS = read_vectors("matching")


def by_name(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def test_the_stored_vectors_are_those_that_are_written() -> None:
    assert json.loads(json.dumps(matching_vectors())) == VECTORS


def test_weights_bounds_and_probabilities() -> None:
    for one in VECTORS["weights"]:
        assert weight(float.fromhex(one["ratio"])) == one["weight"]
    for one in VECTORS["bounds"]:
        assert least_weight(one["probability"]) == one["weight"]
    for one in VECTORS["probabilities"]:
        assert probability(one["total"]) == float.fromhex(one["probability"])


@pytest.mark.parametrize("vector", VECTORS["fits"], ids=by_name)
def test_a_fit(vector: dict[str, Any]) -> None:
    profile = EncodingProfile.from_json(VECTORS["profiles"][vector["profile"]])
    counts = FileCounts.model_validate(vector["counts"], strict=False)
    n_smaller, n_larger = vector["records"]["smaller"], vector["records"]["larger"]
    rules = LevelRules(profile)
    patterns = vector["patterns"]
    levels = np.array([one["levels"] for one in patterns], dtype=np.uint8)
    codes = rules.codes(levels.reshape(-1, len(profile.fields)))
    table = replace(count_patterns(rules, [codes]), pairs=tuple(one["pairs"] for one in patterns))
    weights = fit_weights(
        model_of(profile, counts, n_larger),
        table,
        n_pairs=n_smaller * n_larger,
        prior_matches=float(Fraction(vector["expected_share"]) * n_smaller),
    )
    assert [list(one) for one in table.levels] == [one["levels"] for one in patterns]
    assert list(table.codes) == [one["number"] for one in patterns]
    assert list(weights.total) == [one["total"] for one in patterns]
    assert list(weights.twins) == [one["twins"] for one in patterns]
    assert [list(field[1:]) for field in weights.fields] == vector["fields"]
    assert [[value.hex() for value in field[1:]] for field in weights.m] == vector["m"]
    assert (weights.prior, weights.rounds) == (vector["prior"], vector["rounds"])


def rivals_of(weighed: Weighed) -> NDArray[np.int64]:
    """Return the best other total of either record of each pair."""
    found = []
    for side in ("smaller", "larger"):
        best = BestTwo(weighed.pairs[side])
        best.add(weighed.pairs[side], weighed.total)
        found.append(best.rivals(weighed.pairs[side], weighed.total))
    return np.maximum(*found)


@pytest.mark.parametrize("vector", VECTORS["bands"], ids=by_name)
def test_bands(vector: dict[str, Any]) -> None:
    found = vector["pairs"]
    pairs = np.zeros(len(found), dtype=MEETING)
    for side in ("smaller", "larger"):
        pairs[side] = [one[side] for one in found]
    total, twins = (
        np.array([one[name] for one in found], dtype=np.int64) for name in ("total", "twins")
    )
    is_capped = np.array([one["is_capped"] for one in found], dtype=bool)
    policy = BandRule.of_probabilities(**vector["policy"])
    weighed = Weighed(pairs, total, twins, is_capped)
    decided = decide(weighed, lead(total, rivals_of(weighed)), policy)
    assert [
        (Band(band).name.lower(), Rule(rule).label)
        for band, rule in zip(decided.band, decided.rule, strict=True)
    ] == [(one["band"], one["rule"]) for one in found]


@pytest.mark.parametrize(("name", "expected"), [("in doubt", True), ("not in doubt", False)])
def test_doubts(name: str, expected: bool) -> None:
    profile = EncodingProfile.from_json(VECTORS["profiles"]["numbered"])
    levels = np.array(VECTORS["doubts"][name], dtype=np.uint8)
    assert (are_doubtful(profile, levels) == expected).all()


@pytest.mark.parametrize("vector", VECTORS["caps"], ids=str)
def test_caps(vector: dict[str, int]) -> None:
    total = np.array([vector["total"]] * 2, dtype=np.int64)
    found, _ = capped(total, np.array([True, False]), least_weight("0.9"))
    assert found.tolist() == [vector["capped"], vector["total"]]
