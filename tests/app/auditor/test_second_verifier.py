"""The short second verifier agrees on bundles good and bad, as far as it goes: the log's integrity.

What the broker's own key signed and only the form of an entry or a rule forbids, it does not look at;
`test_rule_verifier` holds the verifier to a slower twin in that.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from breaks.random_bundles import given
from campaign.size import times
from rigs.first_verdict import first_verdict
from samples.refusals import is_one
from twins.verifier import integrity as second_verifier
from twins.verifier.integrity import why_refused

from app.auditor.errors import (
    AuditError,
    LeafChangedError,
    MalformedError,
    OutOfPlaceError,
    RuleBrokenError,
)

SEEDS = range(5000, 5000 + times(quick=100, full=3000))
INTEGRITY = ("good", "row", "note", "given", "byte", "view", "hand-over")
ORDER = frozenset({"log-start", "time-runs-back", "place"})


def is_beyond(error: AuditError | None) -> bool:
    """Tell whether a fault is one that the short verifier does not look for."""
    if isinstance(error, RuleBrokenError):
        return error.code not in ORDER
    return isinstance(error, MalformedError) and "log entry: field" in error.message


def test_it_has_at_most_150_lines_and_none_of_our_code() -> None:
    source = Path(second_verifier.__file__).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 150
    imported = [
        line.split()[1] for line in source.splitlines() if line.startswith(("import", "from"))
    ]
    assert {name.split(".")[0] for name in imported} <= {
        *("base64", "hashlib", "io", "json", "re", "tarfile", "collections", "pathlib"),
        "cryptography",
    }


def check(seed: int, folder: Path) -> bool:
    """Hold both verdicts to each other; tells whether the case was one for both."""
    case = given(seed, INTEGRITY)
    first = first_verdict(case, folder)
    second = why_refused(case.bundle, case.pins, case.log_key)
    if is_beyond(first):
        return False
    assert (first is None) == (second is None), (case.what, repr(first), second)
    if is_one(first, LeafChangedError, OutOfPlaceError) and second is not None:
        assert second[0] == first.index, (case.what, repr(first), second)
    return True


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.campaign("two-verifiers")
def test_both_come_to_the_same_verdict_and_entry(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


def test_the_bundles_are_good_and_bad_and_nearly_all_for_both(tmp_path: Path) -> None:
    cases = [given(seed, INTEGRITY) for seed in SEEDS]
    n_good = sum(why_refused(case.bundle, case.pins, case.log_key) is None for case in cases)
    assert 0.2 < n_good / len(SEEDS) < 0.8
    assert sum(is_beyond(first_verdict(case, tmp_path)) for case in cases) < 0.15 * len(SEEDS)
    assert len({case.what for case in cases}) > 15
