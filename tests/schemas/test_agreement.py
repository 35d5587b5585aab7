"""Terms that people draft: what is filled in, and what must fit together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from samples.agreement import AGREEMENT
from samples.documents import TERMS, changed, without
from vectors.documents import APPROVALS, RANGE

from schemas.agreement import DEFAULT_FLOOR, Agreement, ProjectTerms
from schemas.canonical import canonical_bytes
from schemas.errors import DocumentError

DEFAULTS: dict[str, Any] = {
    "version": "blindlink/project-terms/2",
    "epoch": 1,
    "auditors": (),
    "floor": DEFAULT_FLOOR,
    "frequency": "on-request",
    "due": None,
    "round_days": 7,
    "keep_encodings_days": 30,
    "keep_links_days": 400,
    "policy_range": None,
    "as_of_max_age_days": None,
    "as_of_max_gap_days": None,
    "round_budget": None,
    "most_ended": None,
    "review": None,
    "has_legal_hold": False,
}


@pytest.mark.parametrize("field", DEFAULTS)
def test_what_a_draft_leaves_out_is_filled_in(field: str) -> None:
    # Where the frequency is left out, nothing is due at a moment.
    terms = ProjectTerms.from_json(without(changed(TERMS, "due", None), field))
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
        "recipients": [],
        "auditors": [],
        "spaces": [*TERMS["spaces"], {"name": "more", "lifetime": "round"}],
        "profile": "0" * 64,
        "policy.auto": "0.91",
        "population": "everyone",
        "floor": 11,
        "files.0.least": 2,
        "files.1.most": 10**6,
        "frequency": "monthly",
        "due": "22:00",
        "round_days": 8,
        "start": "2026-09-02",
        "end": "2027-09-01",
        "keep_encodings_days": 1,
        "keep_links_days": 1,
        "policy_range": RANGE,
        "as_of_max_age_days": 7,
        "as_of_max_gap_days": 7,
        "round_budget": {"rounds": 6, "days": 30},
        "most_ended": "0.1",
        "approvals": APPROVALS,
        "finality": {"cosigners": 1, "delays_release": False},
        "destroy_by": "2027-09-30",
        "has_legal_hold": True,
    }
    digests = {
        ProjectTerms.from_json(changed(TERMS, *change)).digest() for change in changes.items()
    }
    assert len(digests | {plain}) == len(changes) + 1


def test_the_larger_file_is_that_with_the_greater_bound_whatever_comes() -> None:
    terms = ProjectTerms.from_json(TERMS)
    assert terms.pair("child-welfare", "k12") == terms.pair("k12", "child-welfare")
    assert terms.pair("child-welfare", "k12") == ("k12", "child-welfare")


def test_of_two_equal_bounds_the_first_name_has_the_larger_file() -> None:
    equal = [{"party": party, "least": 1, "most": 500} for party in ("child-welfare", "k12")]
    terms = ProjectTerms.from_json(changed(TERMS, "files", equal))
    assert terms.pairs == (("child-welfare", "k12"),)


def test_three_providers_are_three_pairs_in_the_order_of_their_names() -> None:
    most = {"child-welfare": 90_000, "health": 2_000_000, "k12": 8_000_000}
    files = [{"party": party, "least": 1, "most": size} for party, size in most.items()]
    terms = ProjectTerms.from_json({**TERMS, "providers": list(most), "files": files})
    assert terms.pairs == (("health", "child-welfare"), ("k12", "child-welfare"), ("k12", "health"))


def test_a_known_number_that_there_is_not_is_left_out_and_not_null() -> None:
    agreement = Agreement.from_json(AGREEMENT)
    assert "known_number" not in agreement.to_json()
    with pytest.raises(DocumentError):
        Agreement.from_canonical(canonical_bytes({**AGREEMENT, "known_number": None}))


def test_no_party_has_the_name_that_the_log_gives_the_broker() -> None:
    own = json.loads(json.dumps(AGREEMENT).replace('"child-welfare"', '"broker"'))
    with pytest.raises(DocumentError, match=r"parties\.0\.name: this name is the broker's own"):
        Agreement.from_json(own)
