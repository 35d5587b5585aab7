"""Terms that people draft: what is filled in, and what must fit together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from samples.agreement import AGREEMENT
from samples.documents import TERMS, changed, without

from schemas.agreement.agreement import DEFAULT_FLOOR, Agreement, ProjectTerms
from schemas.documents.errors import DocumentError

DEFAULTS: dict[str, Any] = {
    "version": "blindlink/project-terms/3",
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


def test_what_a_draft_leaves_out_is_filled_in() -> None:
    # Where the frequency is left out, nothing is due at a moment.
    undue = changed(TERMS, "due", None)
    for field, value in DEFAULTS.items():
        assert getattr(ProjectTerms.from_json(without(undue, field)), field) == value, field


def test_a_filled_in_draft_has_the_digest_of_the_whole_document() -> None:
    spelled_out = ProjectTerms.from_json(changed(TERMS, "floor", DEFAULT_FLOOR))
    assert ProjectTerms.from_json(without(TERMS, "floor")).digest() == spelled_out.digest()


def test_the_floor_shows_no_small_count_unless_agreed() -> None:
    assert DEFAULT_FLOOR == 10


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


def test_no_party_has_the_name_that_the_log_gives_the_broker() -> None:
    own = json.loads(json.dumps(AGREEMENT).replace('"child-welfare"', '"broker"'))
    with pytest.raises(DocumentError, match=r"parties\.0\.name: this name is the broker's own"):
        Agreement.from_json(own)
