"""A review on each kind of database: two who answer or decide at once, and its end under a lock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from rigs.linkage import CHILD_WELFARE, SCHOOL, either_database
from rigs.reviewing import MakeReviewing, Reviewing

__all__ = ["either_database"]


def test_two_reviewers_who_decide_at_once_end_a_review_once(make_reviewing: MakeReviewing) -> None:
    reviewing = make_reviewing({"persons": 2})
    run = reviewing.hold_back(6)
    accepted = {one.reference: "accept" for one in reviewing.questions(run)}
    cards = reviewing.stated_cards(
        run, {handle: bytes(64) for handle in reviewing.bucket_handles(run)}
    )
    assert reviewing.put_cards(run, cards).status_code == 200
    own = reviewing.person(CHILD_WELFARE)
    calls = [
        partial(reviewing.decide, run, accepted, own, is_last=True),
        partial(reviewing.decide, run, accepted, reviewing.second, is_last=True),
        *[partial(reviewing.put_cards, run, cards)] * 2,
    ]
    # Tokens and the round's number are asked for before, one after the other.
    reviewing.as_party(SCHOOL)
    answers = at_once(*calls)
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert {answer.status_code for answer in answers[2:]} <= {200, 409}
    kinds = reviewing.log_kinds()
    assert (kinds.count("review-decided"), kinds.count("review-ended")) == (2, 1)
    assert kinds.count("review-answered") == 1
    assert len(reviewing.supplements()) == 1


def test_an_end_by_the_sweeper_and_one_by_the_next_round_are_one(reviewing: Reviewing) -> None:
    run = reviewing.hold_back(6)
    questions = reviewing.questions(run)
    reviewing.answer(run)
    reviewing.decide(run, {one.reference: "accept" for one in questions[:3]})
    reviewing.exchange_claims()
    reviewing.offer_all()
    reviewing.founded.clock.move(days=14)
    reviewing.as_party(CHILD_WELFARE)
    at_once(reviewing.sweep, partial(reviewing.ask_round, CHILD_WELFARE))
    kinds = reviewing.log_kinds()
    assert (kinds.count("review-ended"), kinds.count("supplement-closed")) == (1, 1)
    assert kinds.index("review-ended") < kinds.index("round-opened", kinds.index("run-finished"))
    reviewing.sweep()
    assert "destruction-certified" in reviewing.log_kinds()


def at_once(*calls):
    """Make calls at the same time, and return what each returned."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [made.result() for made in [pool.submit(call) for call in calls]]
