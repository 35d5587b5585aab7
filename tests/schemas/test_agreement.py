"""Terms that people draft: what is filled in, and what must fit together."""

from __future__ import annotations

from typing import Any

import pytest
from oracles.example_documents import TERMS, changed, without
from oracles.write_document_vectors import APPROVALS, RANGE

from schemas.agreement import DEFAULT_FLOOR, ProjectTerms
from schemas.errors import DocumentError

DEFAULTS: dict[str, Any] = {
    "version": "blindlink/project-terms/1",
    "epoch": 1,
    "auditors": (),
    "floor": DEFAULT_FLOOR,
    "min_records": 1,
    "max_records": 20_000_000,
    "max_variants": 16,
    "keep_encodings_days": 30,
    "keep_links_days": 400,
    "policy_range": None,
    "as_of_max_age_days": None,
    "as_of_max_gap_days": None,
    "run_budget": None,
    "approvals": None,
    "finality": None,
    "destroy_by": None,
    "has_legal_hold": False,
}


@pytest.mark.parametrize("field", DEFAULTS)
def test_what_a_draft_leaves_out_is_filled_in(field: str) -> None:
    terms = ProjectTerms.from_json(without(TERMS, field))
    assert getattr(terms, field) == DEFAULTS[field]


@pytest.mark.parametrize("field", sorted(set(TERMS) - set(DEFAULTS)))
def test_what_decides_the_linkage_is_never_filled_in(field: str) -> None:
    with pytest.raises(DocumentError, match=f"field {field}"):
        ProjectTerms.from_json(without(TERMS, field))


def test_a_filled_in_draft_has_the_digest_of_the_whole_document() -> None:
    spelled_out = ProjectTerms.from_json(changed(TERMS, "floor", DEFAULT_FLOOR))
    assert ProjectTerms.from_json(without(TERMS, "floor")).digest() == spelled_out.digest()


def test_the_floor_shows_no_small_count_unless_agreed() -> None:
    assert DEFAULT_FLOOR == 10


def test_every_change_of_a_field_is_another_agreement() -> None:
    plain = ProjectTerms.from_json(TERMS).digest()
    changes: dict[str, Any] = {
        "project": "other",
        "epoch": 2,
        "purpose": "research",
        "providers": ["child-welfare"],
        "recipients": [],
        "auditors": [],
        "spaces": [*TERMS["spaces"], {"name": "more", "lifetime": "run"}],
        "profile": "0" * 64,
        "policy.auto": "0.86",
        "population": "everyone",
        "floor": 11,
        "min_records": 2,
        "max_records": 10**6,
        "max_variants": 2,
        "start": "2026-09-02",
        "end": "2027-09-01",
        "keep_encodings_days": 1,
        "keep_links_days": 1,
        "policy_range": RANGE,
        "as_of_max_age_days": 7,
        "as_of_max_gap_days": 7,
        "run_budget": {"runs": 6, "days": 30},
        "approvals": APPROVALS,
        "finality": {"cosigners": 1, "delays_release": False},
        "destroy_by": "2027-09-30",
        "has_legal_hold": True,
    }
    digests = {
        ProjectTerms.from_json(changed(TERMS, *change)).digest() for change in changes.items()
    }
    assert len(digests | {plain}) == len(changes) + 1
