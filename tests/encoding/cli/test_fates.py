"""Rounds in which programs die, and requests and answers are lost, between any two steps: all ends well."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.fates import Fates, PowerCut
from rigs.moments import Moments
from rigs.near_broker import NearBroker

from encoding.ledger.ledger_file import LedgerFile

# After each part a campaign that was broken off goes on.
N_PARTS = times(quick=1, full=25)
N_ROUNDS = 2
SECTOR_BYTES = 512


@pytest.mark.long
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("part", range(N_PARTS))
@pytest.mark.campaign("fates", database="sqlite")
def test_whatever_fails_the_rounds_end_as_if_nothing_had(
    ready_desks: NearBroker, moments: Moments, part: int, tally: Tally
) -> None:
    tally.tried(0)
    begin = moments.keep(ready_desks)
    for seed in range(part, times(quick=1, full=1000), N_PARTS):
        moments.go_to(ready_desks, begin)
        fates = Fates(ready_desks, seed, rate=0.02)
        with fates.watching():
            fates.live(N_ROUNDS)
        tally.tried()
        assert fates.failed.total() > 0


@pytest.mark.parametrize("part", range(N_PARTS))
@pytest.mark.long
@pytest.mark.timeout(14_400)
@pytest.mark.campaign("power-cut", database="sqlite")
def test_a_file_that_the_power_cut_short_is_as_if_it_were_not(
    ready_desks: NearBroker, moments: Moments, tally: Tally, part: int
) -> None:
    begin, random = moments.keep(ready_desks), Random(18)

    def lived(power_cut: PowerCut | None) -> Fates:
        fates = Fates(ready_desks, seed=1, rate=0, power_cut=power_cut)
        with fates.watching():
            fates.live(1)
        moments.go_to(ready_desks, begin)
        return fates

    cuts = [
        PowerCut(at, n_bytes, noise)
        for at, size in enumerate(lived(None).written)
        for n_bytes in range(0, size, SECTOR_BYTES)
        for noise in (b"", bytes(size - n_bytes), random.randbytes(size - n_bytes))
    ]
    tried = random.sample(cuts, times(quick=1, full=1000))
    for cut in tried[part::N_PARTS]:
        assert lived(cut).failed.total() == 1
        tally.tried()


@pytest.mark.long
def test_a_run_that_is_given_up_is_asked_for_again_and_ends_as_any_other(
    ready_desks: NearBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fates = Fates(ready_desks, seed=1, rate=0)

    def is_hard_on_workers(_: str) -> bool:
        is_given_up = fates.is_armed and "run-failed" in ready_desks.log_kinds()
        return fates.actor == "worker" and not is_given_up and fates.random.random() < 0.1

    monkeypatch.setattr(fates, "_fails", is_hard_on_workers)
    with fates.watching():
        fates.live(1)
    assert ready_desks.log_kinds().count("run-failed") == 1


@pytest.mark.long
def test_what_is_lost_though_it_was_kept_is_found_out(
    ready_desks: NearBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = LedgerFile.write
    fates = Fates(ready_desks, seed=1, rate=0)

    def forget(ledger: LedgerFile, *given: Any) -> None:
        if fates.random.random() < 0.5:
            kept(ledger, *given)

    monkeypatch.setattr(LedgerFile, "write", forget)
    with fates.watching(), pytest.raises(AssertionError):
        fates.live(5)
