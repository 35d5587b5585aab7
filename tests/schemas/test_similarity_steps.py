"""Steps of similarity and margin: exact on the grid, and in line with how a policy is mapped."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schemas.similarity_steps import Step, margin_steps, similarity_steps, step_of

from schemas.errors import PolicyError
from schemas.profile import EncodingProfile, Hardening, encoded_similarity
from schemas.run import MatchingPolicy, encoded_thresholds


def profile_of(taps: int | None, fill: str = "0.48") -> EncodingProfile:
    hardening = (
        Hardening(kind="none")
        if taps is None
        else Hardening(kind="eld1", taps=taps, output_bits=2048)
    )
    schema = json.dumps({"version": 3, "clkConfig": {"l": 1024}, "features": []})
    return EncodingProfile(
        name="steps", recipe=None, linkage_schema=schema, hardening=hardening, nominal_fill=fill
    )


PROFILES = [profile_of(None), profile_of(4), profile_of(2), profile_of(5, "0.3")]
SIMILARITIES = st.fractions(0, 1, max_denominator=8192)


def texts(steps: tuple[Step, ...]) -> list[str]:
    return [step.text for step in steps]


def test_plain_encodings_are_stepped_as_they_are() -> None:
    steps = similarity_steps(PROFILES[0])
    assert [step.least for step in steps] == [Fraction(k, 20) for k in range(20)]
    assert texts(steps)[:3] + texts(steps)[-2:] == ["0.00", "0.05", "0.10", "0.90", "0.95"]


def test_steps_that_diffusion_leaves_nothing_of_are_one() -> None:
    # 4 * 0.48 * (1 - s) is below 1 from s = 0.48 on.
    assert texts(similarity_steps(PROFILES[1])) == [
        "0.00", "0.50", "0.55", "0.60", "0.65", "0.70", "0.75", "0.80", "0.85", "0.90", "0.95",
    ]  # fmt: skip


@pytest.mark.parametrize("profile", PROFILES, ids=str)
def test_steps_begin_where_the_profile_maps_their_start(profile: EncodingProfile) -> None:
    for step in similarity_steps(profile)[1:]:
        assert step.least == encoded_similarity(profile, Fraction(step.text))


@given(st.sampled_from(PROFILES), SIMILARITIES)
def test_the_step_of_a_mapped_similarity_is_that_of_the_similarity(
    profile: EncodingProfile, similarity: Fraction
) -> None:
    try:
        mapped = encoded_similarity(profile, similarity)
    except PolicyError:
        return
    plain = min(similarity * 20 // 1, 19)
    steps = similarity_steps(profile)
    expected = f"{float(Fraction(int(plain), 20)):.2f}"
    assert step_of(mapped, steps) == (expected if expected in texts(steps) else "0.00")


@given(
    st.sampled_from(PROFILES),
    st.sampled_from(["0.8", "0.85", "0.9", "1"]),
    st.sampled_from(["0.05", "0.1", "0.15"]),
)
def test_a_margin_of_the_policy_is_reached_exactly_where_the_policy_says(
    profile: EncodingProfile, auto: str, margin: str
) -> None:
    policy: dict[str, Any] = {"auto": auto, "review": auto, "margin": margin, "solver": "groups"}
    needed = encoded_thresholds(MatchingPolicy(**policy), profile).margin
    steps = margin_steps(profile, Fraction(auto))
    assert Fraction(step_of(needed, steps)) == Fraction(margin)
    assert Fraction(step_of(needed - Fraction(1, 10**12), steps)) < Fraction(margin)


def test_a_pair_that_is_behind_has_the_first_step() -> None:
    assert step_of(Fraction(-1, 2), margin_steps(PROFILES[1], Fraction("0.85"))) == "0.00"


def test_margins_end_where_the_lower_similarity_cannot_be_mapped() -> None:
    assert texts(margin_steps(PROFILES[1], Fraction("0.80")))[-1] == "0.30"
    assert texts(margin_steps(PROFILES[0], Fraction(1)))[-1] == "1.00"
