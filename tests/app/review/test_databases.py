"""A review on each kind of database: two who answer or decide at once, and its end under a lock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, either_database
from rigs.meanwhile import Meanwhile
from rigs.reviewing import MakeReviewing, Reviewing

from app.review import supplement
from schemas.rounds.release import parse_release

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


def test_a_withdrawal_waits_for_a_review_that_has_looked_at_what_is_withdrawn(
    reviewing: Reviewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it is acknowledged and logged, and the release that comes after it has the record."""
    run = reviewing.hold_back(6)
    questions = reviewing.questions(run)
    reviewing.answer(run)
    reviewing.decide(run, {one.reference: "accept" for one in questions[:4]})
    reviewing.founded.clock.move(days=14)
    said = {"handle": questions[0].handle.hex(), "salt": "0" * 64}
    reviewing.as_party(CHILD_WELFARE)

    def withdraw() -> None:
        answer = reviewing.post_as(f"/v1/projects/{PROJECT}/withdrawals", CHILD_WELFARE, said)
        assert answer.status_code == 200, answer.text

    meanwhile = Meanwhile(withdraw)
    look = meanwhile.after(supplement._without_withdrawn)
    monkeypatch.setattr(supplement, "_without_withdrawn", look)
    reviewing.sweep()
    meanwhile.end()
    (release,) = reviewing.releases(CHILD_WELFARE, 2)
    file = reviewing.get(f"/v1/releases/{release['release']}/file", CHILD_WELFARE)
    assert questions[0].handle in parse_release(file.content)[1]
    kinds = reviewing.log_kinds()
    prepared = max(n for n, kind in enumerate(kinds) if kind == "release-prepared")
    assert kinds.index("record-withdrawn") > prepared


def at_once(*calls):
    """Make calls at the same time, and return what each returned."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [made.result() for made in [pool.submit(call) for call in calls]]
