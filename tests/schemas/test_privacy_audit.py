"""When the privacy audit that a manifest states counts for an upload."""

from __future__ import annotations

import pytest
from samples.documents import audit_of

from schemas.linkage.privacy_audit import PrivacyAudit, audit_fault, audit_words

PROFILE = "a" * 64
UPLOAD = {"profile": PROFILE, "side": "larger", "records": 1_000}


def audit(**changes) -> PrivacyAudit:
    return PrivacyAudit.model_validate(audit_of(PROFILE, "larger", 1_000) | changes)


def test_a_full_audit_of_the_same_that_passed_counts() -> None:
    assert audit_fault(audit(), **UPLOAD) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"scope": "quick"}, "quick"),
        ({"passed": False}, "missed"),
        ({"profile": "b" * 64}, "other-profile"),
        ({"side": "smaller"}, "other-side"),
    ],
)
def test_each_statement_is_held_to_the_upload(change: dict, fault: str) -> None:
    assert audit_fault(audit(**change), **UPLOAD) == fault


@pytest.mark.parametrize("audited", [501, 999, 1_000, 1_001, 1_002, 1_003])
def test_the_numbers_of_records_lie_within_a_quarter_of_the_audited_ones(audited: int) -> None:
    for records in range(1, 2 * audited):
        is_near = 0.75 * audited <= records <= 1.25 * audited
        found = audit_fault(audit(records=audited), **{**UPLOAD, "records": records})
        assert (found is None) == is_near, records


def test_only_a_file_too_small_to_be_attacked_needs_none() -> None:
    assert audit_fault(None, **{**UPLOAD, "records": 499}) is None
    assert audit_fault(None, **{**UPLOAD, "records": 500}) == "missing"


def test_it_is_told_in_plain_words() -> None:
    assert audit_words(audit()) == "full, of 1,000 records, every goal reached"
    assert (
        audit_words(audit(scope="quick", passed=False)) == "quick, of 1,000 records, a goal missed"
    )
    assert audit_words(None) == "none, fewer than 500 records"
