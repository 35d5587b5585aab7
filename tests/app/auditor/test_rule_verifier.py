"""Two verifiers that share nothing but the spec pages agree on bundles good and bad, rules included."""

from __future__ import annotations

from pathlib import Path

import pytest
from breaks.random_bundles import given
from campaign.size import times
from rigs.first_verdict import first_verdict
from twins.verifier.with_rules import why_refused

SEEDS = range(times(quick=100, full=3000))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.campaign("two-verifiers")
def test_both_come_to_the_same_verdict(seed: int, tmp_path: Path) -> None:
    case = given(seed)
    first = first_verdict(case, tmp_path)
    second = why_refused(case.bundle, case.pins, case.log_key)
    assert (first is None) == (second is None), (case.what, repr(first), second)


def test_the_bundles_are_good_and_bad_and_of_many_kinds(tmp_path: Path) -> None:
    cases = [given(seed) for seed in SEEDS]
    n_good = sum(why_refused(case.bundle, case.pins, case.log_key) is None for case in cases)
    assert 0.2 < n_good / len(SEEDS) < 0.8
    assert len({case.what for case in cases}) > 20
