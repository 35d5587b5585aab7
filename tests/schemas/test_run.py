"""Matching policies in the units of the encodings."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.example_documents import POLICY, PROFILE, RUN, changed

from schemas.errors import PolicyError
from schemas.profile import EncodingProfile, encoded_similarity
from schemas.run import MatchingPolicy, RunSpecification, encoded_thresholds

HARDENED = EncodingProfile.from_json(PROFILE)
PLAIN = EncodingProfile.from_json(
    changed(
        PROFILE, "hardening", {"kind": "none", "taps": None, "output_bits": None, "salt": "none"}
    )
)


def policy(**changes: Any) -> MatchingPolicy:
    return MatchingPolicy.from_json({**POLICY, **changes})


def test_without_hardening_thresholds_are_as_written() -> None:
    found = encoded_thresholds(policy(), PLAIN)
    assert (found.auto, found.review, found.margin) == (
        Fraction("0.85"),
        Fraction("0.81"),
        Fraction("0.02"),
    )


def test_a_margin_is_mapped_below_the_auto_threshold() -> None:
    found = encoded_thresholds(policy(), HARDENED)
    assert found.auto - found.margin == encoded_similarity(HARDENED, Fraction("0.83"))


@given(
    st.integers(600, 1000).flatmap(
        lambda auto: st.tuples(st.just(auto), st.integers(500, auto), st.integers(0, 80))
    )
)
def test_the_order_of_thresholds_stays_under_hardening(thousandths: tuple[int, int, int]) -> None:
    auto, review, margin = (Fraction(one, 1000) for one in thousandths)
    found = encoded_thresholds(
        policy(
            auto=f"{thousandths[0] / 1000:.3f}",
            review=f"{thousandths[1] / 1000:.3f}",
            margin=f"{thousandths[2] / 1000:.3f}",
        ),
        HARDENED,
    )
    assert found.review <= found.auto <= 1
    assert found.margin >= 0
    assert (found.margin == 0) == (margin == 0)
    assert (found.review == found.auto) == (review == auto)


def test_a_threshold_of_which_hardening_leaves_nothing_is_refused() -> None:
    with pytest.raises(PolicyError, match="threshold is too low"):
        encoded_thresholds(policy(review="0.40"), HARDENED)


def test_a_margin_of_which_hardening_leaves_nothing_is_refused() -> None:
    with pytest.raises(PolicyError, match="margin is too wide"):
        encoded_thresholds(policy(margin="0.50"), HARDENED)


def test_the_edges_of_a_policy_are_taken() -> None:
    policy(auto="1", review="1", margin="0")
    policy(auto="0.000000001", review="0.000000001", margin="0")


def test_two_runs_differ_by_their_id_alone_in_digest() -> None:
    one = RunSpecification.from_json(RUN)
    other = RunSpecification.from_json(changed(RUN, "run", "run-" + "0" * 32))
    assert one.digest() != other.digest()
