"""The broker's clock is a day ahead or back for a step of a round: rounds go on, and the log verifies."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage, either_database
from samples.round_files import two_files

from app.worker.sweeper import Sweeper

__all__ = ["either_database"]

pytestmark = pytest.mark.campaign("clocks")


def steps_of_a_round(linkage: Linkage) -> list[Callable[[], object]]:
    left, right = two_files(linkage.rng, 30, 12)
    return [
        linkage.open_round,
        lambda: linkage.upload(left, CHILD_WELFARE),
        lambda: linkage.upload(right, SCHOOL),
        linkage.work,
        linkage.exchange_claims,
    ]


@pytest.mark.parametrize("days", [1, -1], ids=["ahead", "back"])
@pytest.mark.parametrize("at", range(0, 5, times(quick=2, full=1)))
def test_a_clock_that_jumps_for_one_step_costs_no_round(
    linkage: Linkage, at: int, days: int, tally: Tally
) -> None:
    clock = linkage.founded.clock
    for number in range(2):
        for step, act in enumerate(steps_of_a_round(linkage)):
            jumps = number == 0 and step == at
            if jumps:
                clock.move(days=days)
                linkage.sign_in_anew()
            act()
            if jumps:
                clock.move(days=-days)
                linkage.sign_in_anew()
                tally.tried()
    kinds = linkage.log_kinds()
    assert kinds.count("run-finished") == kinds.count("round-closed") == 2
    times = [entry["time"] for entry in linkage.log_entries()]
    assert times == sorted(times)


@pytest.mark.parametrize("days", [100, 4000])
def test_a_clock_that_was_far_ahead_for_a_moment_destroys_nothing(
    released: Linkage, days: int, tally: Tally
) -> None:
    keys = [*released.broker.keystore.object_ids()]
    released.founded.clock.move(days=days)
    released.sign_in_anew()
    assert released.get("/v1/log/bundle", "operator", "operator").status_code == 200
    released.founded.clock.move(days=-days)
    released.sign_in_anew()
    Sweeper(released.broker).sweep()
    assert [*released.broker.keystore.object_ids()] == keys
    released.founded.clock.move(days=days)
    Sweeper(released.broker).sweep()
    assert not [*released.broker.keystore.object_ids()]
    tally.tried()
