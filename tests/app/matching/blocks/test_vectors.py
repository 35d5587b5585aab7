"""Weights and bands by the vectors that all readers share."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from vectors.file import read_vectors
from vectors.matching import matching_vectors

from app.matching.blocks.bins import MemoryShelf
from app.matching.blocks.decisions import WEIGHED, Band, BandRule, Rule
from app.matching.blocks.doubts import are_doubtful, capped
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.ranges import Sizes
from app.matching.blocks.resolution import settle_pairs
from app.matching.blocks.weights import (
    PatternTable,
    Weights,
    count_patterns,
    fit_weights,
    least_weight,
    model_of,
    probability,
    weight,
)
from schemas.linkage.counts import FileCounts
from schemas.linkage.profile import EncodingProfile

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


@pytest.mark.parametrize("vector", VECTORS["bands"], ids=by_name)
def test_bands(vector: dict[str, Any]) -> None:
    found = vector["pairs"]
    rows = np.zeros(len(found), dtype=WEIGHED)
    for column in ("smaller", "larger", "total", "twins", "is_capped"):
        rows[column] = [one[column] for one in found]
    sizes = Sizes(
        *(1 + max((one[side] for one in found), default=0) for side in ("smaller", "larger"))
    )
    run = settle_pairs(
        [rows],
        lambda lot: lot,
        sizes=sizes,
        shelf=MemoryShelf(),
        table=PatternTable((), (), ()),
        weights=Weights((), 0, (), (), (), 0.0, 0),
        bands=BandRule.of_probabilities(**vector["policy"]),
        n_meetings=len(found),
    )
    of_pair = {
        (int(row["smaller"]), int(row["larger"])): (
            Band(row["band"]).name.lower(),
            Rule(row["rule"]).label,
        )
        for row in run.rows()
    }
    assert [of_pair[one["smaller"], one["larger"]] for one in found] == [
        (one["band"], one["rule"]) for one in found
    ]


@pytest.mark.parametrize(("name", "expected"), [("in doubt", True), ("not in doubt", False)])
def test_doubts(name: str, expected: bool) -> None:
    profile = EncodingProfile.from_json(VECTORS["profiles"]["numbered"])
    levels = np.array(VECTORS["doubts"][name], dtype=np.uint8)
    assert (are_doubtful(profile, levels) == expected).all()


def test_caps() -> None:
    profile = EncodingProfile.from_json(VECTORS["profiles"]["numbered"])
    levels, total, expected = (
        np.array([one[name] for one in VECTORS["caps"]], dtype=kind)
        for name, kind in (("levels", np.uint8), ("total", np.int64), ("capped", np.int64))
    )
    found, _ = capped(profile, levels, total, auto=least_weight("0.9"), review=least_weight("0.05"))
    assert found.tolist() == expected.tolist()
