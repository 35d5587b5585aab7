"""Two verifiers that share nothing but the spec pages agree on bundles good and bad, rules included."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from oracles.random_bundles import Given, given
from oracles.rule_verifier import why_refused

from app.auditor.errors import AuditError
from app.auditor.keys import read_log_key
from app.auditor.pins import read_pins
from app.auditor.verify import verify_bundle

SEEDS = range(200)


def first_verdict(case: Given, folder: Path) -> AuditError | None:
    try:
        pins = []
        if case.pins:
            (folder / "pins").write_bytes(case.pins)
            pins = read_pins([folder / "pins"])
        key = None if case.log_key is None else read_log_key(case.log_key)
        verify_bundle(io.BytesIO(case.bundle), pins=pins, log_key=key)
    except AuditError as exc:
        return exc
    return None


@pytest.mark.parametrize("seed", SEEDS)
def test_both_come_to_the_same_verdict(seed: int, tmp_path: Path) -> None:
    case = given(seed)
    first = first_verdict(case, tmp_path)
    second = why_refused(case.bundle, case.pins, case.log_key)
    assert (first is None) == (second is None), (case.what, repr(first), second)


def test_the_bundles_are_good_and_bad_and_of_many_kinds(tmp_path: Path) -> None:
    cases = [given(seed) for seed in SEEDS]
    n_good = sum(why_refused(case.bundle, case.pins, case.log_key) is None for case in cases)
    assert 40 < n_good < 160
    assert len({case.what for case in cases}) > 30


@pytest.mark.soak
def test_both_agree_on_3000_more(tmp_path: Path) -> None:
    for seed in range(1000, 4000):
        case = given(seed)
        first = first_verdict(case, tmp_path)
        second = why_refused(case.bundle, case.pins, case.log_key)
        assert (first is None) == (second is None), (seed, case.what, repr(first), second)
