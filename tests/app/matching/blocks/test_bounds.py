"""The agreed policy in whole weights says what the agreement says."""

from __future__ import annotations

import pytest
from samples.parties import POLICY

from app.matching.blocks.bounds import TWIN_LIMIT, least_lead, link_policy
from app.matching.blocks.weights import UNIT


@pytest.mark.parametrize(("is_guarded", "limit"), [(True, TWIN_LIMIT), (False, None)])
def test_twins_are_guarded_against_where_that_is_agreed(
    is_guarded: bool, limit: int | None
) -> None:
    policy = POLICY.model_copy(update={"twin_guard": is_guarded})
    assert link_policy(policy, 1000).bands.twin_limit == limit


def test_no_more_is_held_back_than_the_agreed_share_of_the_smaller_file() -> None:
    policy = POLICY.model_copy(update={"review_share": "0.05"})
    for n_smaller, most in ((19, 0), (20, 1), (1999, 99), (2000, 100)):
        assert link_policy(policy, n_smaller).bands.most_review == most


@pytest.mark.parametrize("times", [1, 2, 3, 1000, 10**9])
def test_a_lead_is_the_least_weight_that_is_as_likely(times: int) -> None:
    least = least_lead(times)
    assert 2 ** ((least - 1) / UNIT) < times <= 2 ** (least / UNIT)
