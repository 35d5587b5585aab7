"""Weak settings are found, refuse under eld1, and warn under none."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from oracles.linkage_schemas import feature, schema

from encoding.diffusion import diffuse, diffusion_matrix
from encoding.encoder import Encoder
from encoding.errors import LinkageSchemaError, WeakSettingsError
from encoding.lint import (
    Finding,
    fill,
    is_copy,
    lint_fill,
    lint_schema,
    lint_structure,
    structure_variance,
    warnings_or_refusal,
)

FOUR = [feature(f"column_{number}") for number in range(4)]


def random_bits(share: float, shape: tuple[int, int]) -> np.ndarray:
    return np.packbits(np.random.default_rng(5).random(shape) < share, axis=1)


def rules(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.rule for finding in findings]


def test_a_strong_schema_has_no_findings() -> None:
    assert lint_schema(schema(*FOUR)) == ()


def test_few_fields_are_found() -> None:
    ignored = {"identifier": "id", "ignored": True}
    assert rules(lint_schema(schema(ignored, *FOUR[:3]))) == ["few-fields"]


def test_double_hashing_is_found_and_its_column_named() -> None:
    (finding,) = lint_schema(schema(*FOUR, feature("town", hash={"type": "doubleHash"})))
    assert finding.rule == "double-hashing"
    assert "town" in finding.message


def test_double_hashing_of_a_version_1_schema_is_found() -> None:
    features = [
        {"identifier": f"c{n}", "format": {"type": "string"}, "hashing": {"ngram": 2}}
        for n in range(4)
    ]
    config = {"l": 64, "k": 5, "hash": {"type": "doubleHash"}, "kdf": {"type": "HKDF"}}
    document = {"version": 1, "clkConfig": config, "features": features}
    assert rules(lint_schema(document)) == ["double-hashing"]


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(LinkageSchemaError):
        lint_schema({"version": 3})


@pytest.mark.parametrize(("share", "found"), [(0.40, ["fill"]), (0.475, []), (0.56, ["fill"])])
def test_fill_outside_the_range_is_found(share: float, found: list[str]) -> None:
    assert rules(lint_fill(random_bits(share, (500, 1024)), 1024)) == found


def test_fill_does_not_count_the_padding() -> None:
    assert fill(np.packbits(np.ones((2, 20), dtype=bool), axis=1), 20) == 1.0


def test_no_filters_have_no_fill() -> None:
    assert fill(np.zeros((0, 8), dtype=np.uint8), 64) == 0.0


def test_structure_variance_is_the_variance_over_all_pairs() -> None:
    encodings = random_bits(0.4, (30, 96))
    signs = np.unpackbits(encodings, axis=1).astype(int) * 2 - 1
    products = [int(x @ y) / 96**0.5 for x, y in itertools.combinations(signs, 2)]
    assert structure_variance(encodings, 96) == pytest.approx(np.var(products) - 1)


def test_random_encodings_have_no_structure() -> None:
    encodings = random_bits(0.5, (3_000, 1024))
    assert abs(structure_variance(encodings, 1024)) < 0.01
    assert lint_structure(encodings, 1024) == ()


def test_plain_clks_show_structure_and_diffused_ones_do_not() -> None:
    random = np.random.default_rng(2)
    names = ["ann", "anna", "bob", "rob", "maria", "marie", "jose", "joseph", "li", "lee"]
    columns = {f["identifier"]: [names[n] for n in random.integers(0, 10, 800)] for f in FOUR}
    filters = Encoder(schema(*FOUR), "k").encode(columns).filters
    assert rules(lint_structure(filters, 1024)) == ["structure-variance"]
    matrix = diffusion_matrix(bytes(32), clk_bits=1024, output_bits=1024, taps=8)
    hardened = structure_variance(diffuse(filters, matrix), 1024)
    assert hardened < structure_variance(filters, 1024) / 4


def test_copies_are_found_and_strangers_are_not() -> None:
    encodings = random_bits(0.48, (300, 1024))
    encodings[200] = encodings[7]
    encodings[201] = np.packbits(np.roll(np.unpackbits(encodings[8]), 1))
    assert np.flatnonzero(is_copy(encodings)).tolist() == [200]


def test_empty_filters_are_copies_of_each_other() -> None:
    assert is_copy(np.zeros((3, 8), dtype=np.uint8)).tolist() == [False, True, True]


@pytest.mark.parametrize("n_rows", [0, 1])
def test_without_pairs_there_is_no_structure(n_rows: int) -> None:
    assert structure_variance(np.zeros((n_rows, 8), dtype=np.uint8), 64) == 0.0


def test_findings_refuse_under_eld1_and_warn_under_none() -> None:
    findings = (Finding("fill", "too empty"), Finding("few-fields", "too few"))
    assert warnings_or_refusal(findings, "none") == ("too empty", "too few")
    with pytest.raises(WeakSettingsError, match="too empty; too few"):
        warnings_or_refusal(findings, "eld1")


def test_without_findings_nothing_is_refused() -> None:
    assert warnings_or_refusal((), "eld1") == ()
