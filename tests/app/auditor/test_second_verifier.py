"""The short second verifier agrees on bundles good and bad, as far as it goes: the log's integrity.

What the broker's own key signed and only the form of an entry or a rule forbids, it does not look at;
`test_rule_verifier` holds the verifier to the independent one in that.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from breaks.random_bundles import given
from campaign.reports import Tally
from campaign.size import times
from rigs.first_verdict import first_verdict
from samples.refusals import is_one
from twins import integrity as second_verifier
from twins.integrity import why_refused

from app.auditor.errors import (
    AuditError,
    LeafChangedError,
    MalformedError,
    OutOfPlaceError,
    RuleBrokenError,
)

# In parts, after each of which a campaign that was broken off goes on.
PARTS, N_GIVEN = range(times(quick=1, full=30)), 100
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


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.campaign("two-verifiers")
def test_both_come_to_the_same_verdict_and_entry(part: int, tmp_path: Path, tally: Tally) -> None:
    whats, n_good, n_beyond = set(), 0, 0
    for seed in range(5000 + part * N_GIVEN, 5000 + (part + 1) * N_GIVEN):
        case = given(seed, INTEGRITY)
        whats.add(case.what)
        first = first_verdict(case, tmp_path)
        second = why_refused(case.bundle, case.pins, case.log_key)
        n_good += second is None
        if is_beyond(first):
            n_beyond += 1
            continue
        assert (first is None) == (second is None), (seed, case.what, repr(first), second)
        if is_one(first, LeafChangedError, OutOfPlaceError) and second is not None:
            assert second[0] == first.index, (seed, case.what, repr(first), second)
        tally.tried()
    assert 0.2 < n_good / N_GIVEN < 0.8
    assert n_beyond < 0.15 * N_GIVEN
    assert len(whats) > 15
