"""When the privacy audit that a manifest states counts for an upload."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError
from samples.documents import PRIVACY, audit_of

from schemas.linkage.privacy_audit import (
    MEASURES,
    PrivacyAudit,
    PrivacyLimits,
    audit_fault,
    audit_words,
    goals_of,
    proposed_limits,
)

PROFILE = "a" * 64
LIMITS = PrivacyLimits(**PRIVACY)
UPLOAD: dict[str, Any] = {
    "profile": PROFILE,
    "side": "larger",
    "records": 1_000,
    "limits": LIMITS,
}


def audit(**changes) -> PrivacyAudit:
    return PrivacyAudit.model_validate_json(
        json.dumps(audit_of(PROFILE, "larger", 1_000) | changes)
    )


FIGURES = audit().model_dump(mode="json")["figures"]


def test_a_full_audit_counts_with_every_figure_up_to_its_signed_limit_and_none_beyond() -> None:
    assert audit_fault(audit(), **UPLOAD) is None
    # What only linked children of two kinds can show may be lacking.
    assert audit_fault(audit(figures=FIGURES[:6]), **UPLOAD) is None
    for place, measure in enumerate(MEASURES):
        for mean, fault in (("0.1", None), ("0.1001", "beyond")):
            figure = {**FIGURES[place], "mean": mean, "most": "0.9"}
            stated = audit(figures=[*FIGURES[:place], figure, *FIGURES[place + 1 :]])
            assert audit_fault(stated, **UPLOAD) == fault, measure
            assert audit_fault(stated, **{**UPLOAD, "limits": None}) is None
            assert [one.measure for one in stated.beyond(LIMITS)] == [measure] * (fault is not None)
    for figures in (FIGURES[::-1], FIGURES[:1] * 2):
        with pytest.raises(ValidationError):
            audit(figures=figures)


def test_proposed_limits_are_three_times_the_goals_and_what_chance_adds_in_a_small_file() -> None:
    for block_cap, least, most in ((4, 500, 4_000), (4, 3_000, 6_000), (8, 50_000, 60_000)):
        goals, limits = goals_of(block_cap, most), proposed_limits(block_cap, least, most)
        for measure, goal in goals.items():
            share = min(3 * goal, 1)
            assert min(share, 1) <= limits.of(measure) <= min(share + 0.07, 1), measure
    assert proposed_limits(4, 1, 1) == proposed_limits(4, 500, 4_000)
    assert proposed_limits(4, 4_000, 4_000).named == "0.039"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"scope": "quick"}, "quick"),
        ({"draws": 2}, "quick"),
        ({"figures": FIGURES[1:]}, "quick"),
        ({"figures": FIGURES[:5]}, "quick"),
        ({"structure": 1}, "structure"),
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
    found = "of 1,000 records, 3 draws"
    assert audit_words(audit()) == f"full, {found}, 0.10% named by a perfect register"
    assert audit_words(audit(scope="quick", figures=[])) == f"quick, {found}"
    assert audit_words(None) == "none, fewer than 500 records"
