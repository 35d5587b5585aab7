"""Matching policies and run specifications: what a reader takes, beyond the vectors."""

from __future__ import annotations

from typing import Any

from samples.documents import POLICY

from schemas.linkage.run import MatchingPolicy


def policy(**changes: Any) -> MatchingPolicy:
    return MatchingPolicy.from_json({**POLICY, **changes})


def test_the_edges_of_a_policy_are_taken() -> None:
    policy(auto="0.999999999", review="0.000000001")
    policy(auto="0.5", review="0.5", prior_matches="1")
    policy(link_rate={"least": "0", "most": "0"})


def test_a_policy_without_a_number_of_pairs_allows_fifty_million() -> None:
    made = MatchingPolicy.from_json({n: v for n, v in POLICY.items() if n != "max_pairs"})
    assert made.max_pairs == 50_000_000
