"""When a round is opened, with which pairs, and how often."""

from __future__ import annotations

import pytest
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage, MakeLinkage
from rigs.refused_calls import code_of, refused
from samples.round_files import random_people

from app.worker.sweeper import Sweeper
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import verify_receipt
from schemas.rounds.rounds import RoundList, RoundView

HEALTH = "health-department"


def rounds(linkage: Linkage, party: str = CHILD_WELFARE, role: str = "agency") -> RoundList:
    return RoundList.from_json(linkage.get(f"/v1/projects/{PROJECT}/rounds", party, role).json())


def end(linkage: Linkage) -> None:
    """Let the round end at its deadline."""
    linkage.founded.clock.move(days=linkage.terms.round_days)
    Sweeper(linkage.broker).sweep()


def test_a_round_uses_the_lowest_unspent_nonces_and_is_logged_and_listed_so(
    linkage: Linkage,
) -> None:
    for party in (CHILD_WELFARE, SCHOOL):
        linkage.offer(party, 3)
    answer = linkage.ask_round()
    view = RoundView.from_json(answer.json())
    (pair,) = view.pairs
    assert (view.round, view.state, view.deadline) == (1, "open", "2026-09-08T06:00:00Z")
    assert (pair.larger, pair.smaller) == (SCHOOL, CHILD_WELFARE)
    assert (pair.nonce_larger.number, pair.nonce_smaller.number) == (1, 1)
    entry, _ = verify_receipt(view.receipt, [linkage.broker.log.key], KINDS)
    assert (entry.kind, entry.body.pairs) == ("round-opened", view.pairs)
    # Asked for while it is open, it is that round.
    assert linkage.ask_round(SCHOOL).json() == answer.json()
    assert linkage.log_kinds().count("round-opened") == 1
    assert linkage.get(f"/v1/projects/{PROJECT}/rounds/2").status_code == 404
    for number in (2, 3):
        end(linkage)
        (pair,) = RoundView.from_json(linkage.ask_round(SCHOOL).json()).pairs
        assert (pair.nonce_larger.number, pair.nonce_smaller.number) == (number, number)
    assert [one.round for one in rounds(linkage).rounds] == [3, 2, 1]
    older = linkage.get(f"/v1/projects/{PROJECT}/rounds?below=3").json()["rounds"]
    assert [one["round"] for one in older] == [2, 1]


def test_without_a_nonce_of_both_parties_there_is_no_round(linkage: Linkage) -> None:
    linkage.offer(CHILD_WELFARE)
    answer = linkage.ask_round()
    assert refused(answer) == (409, "nonces-missing")
    seen = rounds(linkage)
    assert (seen.rounds, seen.due, seen.waiting_for) == ((), False, (SCHOOL,))
    linkage.offer(SCHOOL)
    assert (rounds(linkage).due, rounds(linkage).waiting_for) == (True, ())


def test_of_three_parties_a_pair_that_is_not_ready_is_left_out(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(providers=(CHILD_WELFARE, HEALTH, SCHOOL))
    linkage.offer(CHILD_WELFARE, 4)
    linkage.offer(SCHOOL, 1)
    linkage.offer(HEALTH, 1)
    view = RoundView.from_json(linkage.ask_round().json())
    # In the order of names: the health department's one nonce is used by its first pair.
    assert [set(pair.parties) for pair in view.pairs] == [
        {CHILD_WELFARE, HEALTH},
        {CHILD_WELFARE, SCHOOL},
    ]
    used = {
        (one.number, one.nonce)
        for pair in view.pairs
        for one in (pair.nonce_larger, pair.nonce_smaller)
    }
    assert len(used) == 4


@pytest.mark.parametrize(("frequency", "days"), [("daily", 1), ("monthly", 28)])
def test_a_round_is_due_by_whole_days_after_the_last(
    make_linkage: MakeLinkage, frequency: str, days: int
) -> None:
    linkage = make_linkage(frequency=frequency, round_days=1)
    linkage.open_round()
    end(linkage)
    linkage.offer_all()
    if days > 1:
        linkage.founded.clock.move(days=days - 2)
        answer = linkage.ask_round()
        assert refused(answer) == (409, "round-not-due")
        assert not rounds(linkage).due
        linkage.founded.clock.move(days=1)
    assert rounds(linkage).due
    assert linkage.ask_round().json()["round"] == 2


def test_a_round_on_a_weekday_is_due_then_however_late_the_last_one_was(
    make_linkage: MakeLinkage,
) -> None:
    linkage = make_linkage(frequency="weekly", due="sunday 22:00", round_days=1)
    # On a Tuesday.
    linkage.open_round()
    end(linkage)
    linkage.offer_all()
    linkage.founded.clock.move(days=3)
    answer = linkage.ask_round()
    assert refused(answer) == (409, "round-not-due")
    assert "2026-09-06" in answer.json()["detail"]
    linkage.founded.clock.move(days=1)
    assert linkage.ask_round().json()["round"] == 2


def test_once_is_due_until_a_round_was_closed_with_a_result(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(frequency="once")
    linkage.open_round()
    end(linkage)
    linkage.upload_both()
    linkage.work()
    linkage.exchange_claims()
    linkage.offer_all()
    assert linkage.round()["round"] == 2
    answer = linkage.ask_round()
    assert refused(answer) == (409, "round-not-due")


def test_a_request_opens_the_round_of_its_number_alone(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(frequency="on-request")
    linkage.open_round()
    linkage.offer_all()
    answer = linkage.ask_round(number=2)
    assert refused(answer) == (409, "round-not-due")
    linkage.upload_both()
    linkage.work()
    linkage.exchange_claims()
    linkage.offer_all()
    for number, code in ((1, "round-closed"), (3, "round-not-due")):
        answer = linkage.ask_round(number=number)
        assert refused(answer) == (409, code)
    opened = linkage.ask_round(number=2).json()
    assert opened["round"] == 2
    # Asked for before the other agency opened and corrected it.
    assert linkage.ask_round(SCHOOL, number=1).json() == opened
    assert linkage.log_kinds().count("round-opened") == 2


def test_nothing_is_uploaded_for_a_round_that_is_closed(linkage: Linkage) -> None:
    linkage.open_round()
    made = linkage.container(random_people(linkage.rng, 5), CHILD_WELFARE)
    late = linkage.container(random_people(linkage.rng, 5), SCHOOL)
    upload = linkage.send(made, CHILD_WELFARE)
    end(linkage)
    answer = linkage.open(late, SCHOOL)
    assert refused(answer) == (409, "round-closed")
    answer = linkage.commit(upload, linkage.manifest(made, CHILD_WELFARE), CHILD_WELFARE)
    assert code_of(answer) == "upload-closed"
