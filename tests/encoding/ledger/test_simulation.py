"""Sixty rounds of several worlds: co-recipients never differ, and link IDs change only where they must."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from campaign.reports import Tally
from campaign.size import times
from ledger_simulator.offices import SPACE, Offices
from ledger_simulator.world import Rates, Round
from samples.refusals import raises

from encoding.ledger.book import Ledger
from encoding.ledger.errors import LedgersDifferError
from encoding.ledger.inputs import Inputs

TWO, THREE = ("k12", "welfare"), ("health", "k12", "welfare")
parties = pytest.mark.parametrize("parties", [TWO, THREE], ids=["two agencies", "three agencies"])


def lived(
    parties: tuple[str, ...], rates: Rates, n_worlds: int, n_people: int, *, first: int = 0
) -> Counter[str]:
    total: Counter[str] = Counter()
    for seed in range(first, first + n_worlds):
        total.update(Offices(seed, parties, n_people, rates).live_through(60))
    return total


def assert_sound(total: Counter[str], rates: Rates) -> None:
    assert total["divergences"] == 0
    assert total["unexplained changes"] == 0
    for happened in ("closed without one", "restored", "unproven", "wrong matches", "unlinked"):
        assert total[happened] > 0 or rates != Rates()


# In parts, after each of which a campaign that was broken off goes on.
@pytest.mark.parametrize("part", range(times(quick=1, full=20)))
@parties
@pytest.mark.campaign("simulator")
def test_recipients_never_differ_and_link_ids_stay(
    parties: tuple[str, ...], part: int, tally: Tally
) -> None:
    n_worlds = times(quick=2, full=250)
    total = lived(parties, Rates(), n_worlds=n_worlds, n_people=20, first=part * n_worlds)
    assert_sound(total, Rates())
    assert total["true matches"] > 500 * n_worlds
    # Of a hundred thousand true matches a few hundred change after a wrong link, an unlink or an end.
    assert total["changes"] < total["true matches"] / 20
    tally.tried(n_worlds)


@parties
@pytest.mark.campaign("simulator")
def test_without_wrong_matches_and_splits_no_link_id_changes(
    parties: tuple[str, ...], tally: Tally
) -> None:
    n_worlds = times(quick=3, full=6)
    tally.tried(n_worlds)
    calm = Rates(wrong=0, split=0, unlink=0, restored=0, absent=0.3)
    total = lived(parties, calm, n_worlds=n_worlds, n_people=20)
    assert total["closed without one"] > 5 * n_worlds
    assert total["divergences"] == total["changes"] == 0


@parties
@pytest.mark.campaign("simulator")
def test_an_agency_that_could_not_read_a_message_catches_up(
    parties: tuple[str, ...], tally: Tally
) -> None:
    n_worlds = times(quick=2, full=50)
    tally.tried(n_worlds)
    rates = Rates(unread=0.15)
    total = lived(parties, rates, n_worlds=n_worlds, n_people=20)
    assert_sound(total, rates)
    assert total["not applied by one"] > 5 * n_worlds
    # The last release may have been the one that was not applied.
    assert total["true matches"] > 400 * n_worlds


class OneSided(Offices):
    """The last agency misses a part of what was stated, as if it acted on what it has."""

    def stated(self, *given: Any) -> dict[str, Inputs]:
        found = super().stated(*given)
        party = self.world.parties[-1]
        if party in found:
            first, *others = found[party].parts
            found[party] = replace(found[party], parts=[first[1:], *others])
        return found


@parties
def test_an_agency_that_acts_on_less_than_was_stated_is_found_out(parties: tuple[str, ...]) -> None:
    offices = OneSided(0, parties, 20)
    with raises(LedgersDifferError):
        offices.live_through(60)
    assert offices.counts["divergences"] > 0


class Forgetful(Offices):
    """All of them begin with new ledgers once, in secret."""

    def hold(self, held: Round) -> None:
        if held.number == 30:
            self.ledgers = {party: Ledger(SPACE, party) for party in self.ledgers}
        super().hold(held)


@parties
def test_link_ids_that_change_for_no_reason_are_found_out(parties: tuple[str, ...]) -> None:
    calm = Rates(wrong=0, split=0, unlink=0, restored=0)
    assert Forgetful(0, parties, 20, calm).live_through(40)["unexplained changes"] > 15
    assert Forgetful(0, parties, 20).live_through(40)["unexplained changes"] > 0


# Each of them has a person whose records were taken apart before a pair of them was matched again; in the last,
# two of the three had lost their link ID meanwhile.
@pytest.mark.parametrize("seed", [139, 288, 408, 433, 2466])
def test_records_that_were_taken_apart_may_come_together_later(seed: int) -> None:
    counts = Offices(seed, THREE, 20, Rates()).live_through(60)
    assert counts["changes"] > counts["unexplained changes"] == 0


def test_an_unlink_that_all_have_lost_may_come_back_from_a_backup() -> None:
    # All are restored to days before it, go on together, and later one is restored to a day after it.
    counts = Offices(2381, THREE, 20, Rates()).live_through(60)
    assert counts["divergences"] == counts["unexplained changes"] == 0


@pytest.mark.long
@parties
@pytest.mark.campaign("simulator")
def test_recipients_of_larger_files_never_differ(parties: tuple[str, ...], tally: Tally) -> None:
    n_worlds = times(quick=1, full=10)
    tally.tried(n_worlds)
    assert_sound(lived(parties, Rates(), n_worlds=n_worlds, n_people=100), Rates())


@pytest.mark.long
@pytest.mark.campaign("simulator")
def test_four_agencies_never_differ(tally: Tally) -> None:
    n_worlds = times(quick=1, full=5)
    tally.tried(n_worlds)
    rates = Rates(wrong=0.02, absent=0.05, restored=0.05)
    total = lived(("health", "justice", "k12", "welfare"), rates, n_worlds=n_worlds, n_people=40)
    assert total["divergences"] == 0
