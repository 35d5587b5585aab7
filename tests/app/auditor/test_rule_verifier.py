"""Two verifiers that share nothing but the spec pages agree on bundles good and bad, rules included."""

from __future__ import annotations

import io
import random
from collections import Counter
from pathlib import Path

import pytest
from breaks.bent_logs import bent, places, stories
from breaks.random_bundles import given
from campaign.reports import Tally
from campaign.size import times
from rigs.first_verdict import first_verdict
from rigs.independent_verdict import why_refused
from samples.refusals import is_one

from app.auditor.errors import AuditError, LeafChangedError, OutOfPlaceError
from app.auditor.verify import verify_bundle
from schemas.matchlog.kinds import KINDS

# In parts, after each of which a campaign that was broken off goes on.
GIVEN, N_GIVEN = range(times(quick=2, full=60)), 50
BENT, N_BENT = range(times(quick=8, full=400)), 50


@pytest.mark.parametrize("part", GIVEN)
@pytest.mark.campaign("two-verifiers")
def test_both_come_to_the_same_verdict(part: int, tmp_path: Path, tally: Tally) -> None:
    whats, n_good = set(), 0
    for seed in range(part * N_GIVEN, (part + 1) * N_GIVEN):
        case = given(seed)
        first = first_verdict(case, tmp_path)
        second = why_refused(case.bundle, case.pins, case.log_key)
        assert (first is None) == (second is None), (seed, case.what, repr(first), second)
        if is_one(first, LeafChangedError, OutOfPlaceError) and second is not None:
            assert second.index == getattr(first, "index", None), (seed, case.what, second)
        whats.add(case.what)
        n_good += second is None
    assert 0.2 < n_good / N_GIVEN < 0.8
    assert len(whats) > 15
    tally.tried(N_GIVEN)


@pytest.mark.parametrize("part", BENT)
@pytest.mark.campaign("two-verifiers")
def test_both_judge_alike_a_log_that_was_bent_and_signed_anew(part: int, tally: Tally) -> None:
    found: Counter[str] = Counter()
    for number in random.Random(part).sample(range(100 * len(places())), N_BENT):
        case = bent(number)
        first = None
        try:
            verify_bundle(io.BytesIO(case.bundle))
        except AuditError as error:
            first = error
        second = why_refused(case.bundle)
        assert (first is None) == (second is None), (case.what, repr(first), second)
        assert getattr(first, "index", None) == getattr(second, "index", None), (case.what, second)
        found[getattr(first, "code", "good")] += 1
        tally.tried()
    assert 0 < found["good"] < N_BENT * 0.6
    assert len(found) > 10


def test_every_kind_is_bent_and_a_story_that_is_only_written_anew_is_the_same() -> None:
    for one in stories():
        assert one.written(one.rows) == one.log.bundle(), one.name
    assert {kind for kind, _, _ in places()} == {"any", *KINDS} - {"log-started"}
