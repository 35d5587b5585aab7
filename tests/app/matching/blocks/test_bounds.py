"""The agreed policy in whole weights says what the agreement says."""

from __future__ import annotations

from samples.parties import POLICY

from app.matching.blocks.resolution import TWIN_LIMIT, least_lead, link_policy
from app.matching.blocks.weights import UNIT


def test_twins_are_guarded_against_where_that_is_agreed() -> None:
    for is_guarded, limit in ((True, TWIN_LIMIT), (False, None)):
        policy = POLICY.model_copy(update={"twin_guard": is_guarded})
        assert link_policy(policy).bands.twin_limit == limit


def test_a_lead_is_the_least_weight_that_is_as_likely() -> None:
    for times in (1, 2, 3, 1000, 10**9):
        least = least_lead(times)
        assert 2 ** ((least - 1) / UNIT) < times <= 2 ** (least / UNIT)
