"""Matching policies and run specifications: what a reader takes, beyond the vectors."""

from __future__ import annotations

from typing import Any

import pytest
from samples.documents import POLICY, RUN, changed

from schemas.errors import DocumentError
from schemas.run import MatchingPolicy, RunSpecification


def policy(**changes: Any) -> MatchingPolicy:
    return MatchingPolicy.from_json({**POLICY, **changes})


def test_the_edges_of_a_policy_are_taken() -> None:
    policy(auto="0.999999999", review="0.000000001")
    policy(auto="0.5", review="0.5", review_share="1", prior_matches="1")
    policy(link_rate={"least": "0", "most": "0"})


def test_a_policy_without_a_number_of_pairs_allows_fifty_million() -> None:
    made = MatchingPolicy.from_json({n: v for n, v in POLICY.items() if n != "max_pairs"})
    assert made.max_pairs == 50_000_000


@pytest.mark.parametrize("field", sorted(POLICY.keys() - {"max_pairs"}))
def test_what_decides_about_pairs_is_never_filled_in(field: str) -> None:
    with pytest.raises(DocumentError):
        MatchingPolicy.from_json({n: v for n, v in POLICY.items() if n != field})


def test_two_runs_differ_by_their_id_alone_in_digest() -> None:
    one = RunSpecification.from_json(RUN)
    other = RunSpecification.from_json(changed(RUN, "run", "run-" + "0" * 32))
    assert one.digest() != other.digest()


def test_the_larger_file_comes_first_and_exchanging_them_is_another_run() -> None:
    one = RunSpecification.from_json(RUN)
    other = RunSpecification.from_json(changed(RUN, "uploads", RUN["uploads"][::-1]))
    assert one.digest() != other.digest()
