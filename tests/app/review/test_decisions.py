"""Decisions: signed and in order, each question once a person; and what ends a review."""

from __future__ import annotations

from typing import Any

import pytest
from rigs.answers import code_of, refusal
from rigs.linkage import CHILD_WELFARE, SCHOOL
from rigs.reviewing import Answered, MakeReviewing, Reviewing


def asked(reviewing: Reviewing) -> tuple[str, list[bytes]]:
    """Let a run hold pairs back and cards come, and return it with the references of its questions."""
    run = reviewing.hold_back(6)
    reviewing.answer(run)
    return run, [one.reference for one in reviewing.questions(run)]


def accept(references: list[bytes]) -> dict[bytes, str]:
    return dict.fromkeys(references, "accept")


def ended(reviewing: Reviewing) -> dict[str, Any]:
    """Return what the log says of the only end."""
    (entry,) = [one for one in reviewing.log_entries() if one["kind"] == "review-ended"]
    return dict(entry["body"])


def test_nobody_decides_before_the_cards_are_there(reviewing: Reviewing, held_back: str) -> None:
    references = [one.reference for one in reviewing.questions(held_back)]
    answer = reviewing.decide(held_back, accept(references))
    assert refusal(answer) == (409, "cards-missing")
    assert "review-decided" not in reviewing.log_kinds()
    reviewing.answer(held_back)
    assert reviewing.decide(held_back, accept(references)).json()["state"] == "ended"


def test_a_person_decides_a_question_once(reviewing: Reviewing, answered: Answered) -> None:
    run, references = answered.run, answered.references
    reviewing.decide(run, {references[0]: "unsure"})
    again = reviewing.decide(run, {references[0]: "accept"}, number=2)
    assert refusal(again) == (409, "decisions-refused")
    # Another person may; unsure settles nothing.
    other = reviewing.decide(run, {references[0]: "accept"}, reviewing.second)
    assert (other.status_code, other.json()["decided"]) == (200, 1)


def test_decisions_are_a_reviewers_own_about_a_question_of_the_review_signed_and_numbered_on(
    reviewing: Reviewing, answered: Answered
) -> None:
    run, references = answered.run, answered.references
    for fields, expected in (
        ({"round": 2}, "statement-refused"),
        ({"agreement": "0" * 64}, "statement-refused"),
        ({"person": reviewing.second.id}, "statement-refused"),
        ({"at": "2026-09-01T07:00:00Z"}, "statement-refused"),
    ):
        answer = reviewing.decide(run, accept(references), **fields)
        assert refusal(answer) == (422, expected), fields
    stated = reviewing.decisions(run, accept(references)).to_json()
    stated["signed"]["statement"]["at"] = "2026-09-01T05:59:59Z"
    path = f"/v1/reviews/{run}/decisions"
    answer = reviewing.post_as(path, CHILD_WELFARE, stated)
    assert refusal(answer) == (422, "signature-refused")
    stated["decisions"]["decisions"].pop()
    answer = reviewing.post_as(path, CHILD_WELFARE, stated)
    assert refusal(answer) == (422, "invalid-document")
    school = reviewing.person(SCHOOL)
    answer = reviewing.decide(run, accept(references), school)
    assert refusal(answer) == (409, "not-of-review")
    assert "review-decided" not in reviewing.log_kinds()
    # A decision is about a question of the review.
    answer = reviewing.decide(run, {b"\x01" * 16: "accept"})
    assert refusal(answer) == (409, "decisions-refused")
    assert "review-decided" not in reviewing.log_kinds()
    # Statements are numbered on and the same one again changes nothing.
    first = reviewing.decisions(run, accept(references[:2]))
    for _ in range(2):
        answer = reviewing.send_decisions(run, first)
        assert (answer.status_code, answer.json()["decided"]) == (200, 2)
    assert reviewing.log_kinds().count("review-decided") == 1
    gap = reviewing.decide(run, accept(references[2:3]), number=3)
    assert refusal(gap) == (409, "decisions-refused")
    other = reviewing.decide(run, accept(references[2:3]), number=1)
    assert refusal(other) == (409, "decisions-refused")
    assert reviewing.decide(run, accept(references[2:4]), number=2).json()["decided"] == 4


def test_the_last_settled_question_ends_the_review(
    reviewing: Reviewing, answered: Answered
) -> None:
    run, references = answered.run, answered.references
    reviewing.decide(run, accept(references[:3]))
    assert reviewing.review()["state"] == "answered"
    rest = dict.fromkeys(references[3:], "reject")
    answer = reviewing.decide(run, rest, reviewing.second)
    assert answer.json()["state"] == "ended"
    # Of numbers the log says what tells of no few records; the floor is three.
    body = ended(reviewing)
    assert (body["reason"], body["accepted"], body["release"]) == ("decided", 3, 2)
    assert (body["rejected"], body["open"]) == (3, None)
    late = reviewing.decide(run, accept(references[:1]), reviewing.second, number=2)
    assert refusal(late) == (409, "review-over")


def test_who_has_sent_the_last_statement_sends_no_more_and_that_ends_it(
    make_reviewing: MakeReviewing,
) -> None:
    reviewing = make_reviewing({"persons": 2})
    run, references = asked(reviewing)
    reviewing.decide(run, accept(references[:4]), is_last=True)
    answer = reviewing.decide(run, {}, number=2)
    assert refusal(answer) == (409, "decisions-refused")
    assert reviewing.review()["state"] == "answered"
    reviewing.decide(run, accept(references[2:5]), reviewing.second)
    assert reviewing.review()["state"] == "answered"
    answer = reviewing.decide(run, {}, reviewing.second, number=2, is_last=True)
    assert answer.json()["state"] == "ended"
    # Two were accepted by both: below the floor.
    assert (ended(reviewing)["accepted"], ended(reviewing)["release"]) == (None, 2)
    assert [one["matches"] for one in reviewing.releases(CHILD_WELFARE, 2)] == [2]


def test_two_unequal_verdicts_leave_a_question_open(make_reviewing: MakeReviewing) -> None:
    reviewing = make_reviewing({"persons": 2})
    run, references = asked(reviewing)
    reviewing.decide(run, accept(references), is_last=True)
    answer = reviewing.decide(
        run, dict.fromkeys(references, "reject"), reviewing.second, is_last=True
    )
    assert (answer.json()["state"], answer.json()["release"]) == ("ended", None)
    assert ended(reviewing)["match_record_root"] is None
    assert not reviewing.supplements()


def test_the_sweeper_ends_a_review_at_its_deadline(
    reviewing: Reviewing, answered: Answered
) -> None:
    run, references = answered.run, answered.references
    reviewing.decide(run, accept(references[:3]))
    reviewing.founded.clock.move(days=13, hours=23)
    reviewing.sweep()
    assert "review-ended" not in reviewing.log_kinds()
    reviewing.founded.clock.move(hours=1)
    late = reviewing.decide(run, accept(references[3:4]), number=2)
    assert refusal(late) == (409, "review-over")
    reviewing.sweep()
    assert (ended(reviewing)["reason"], ended(reviewing)["release"]) == ("deadline", 2)
    assert reviewing.review()["state"] == "ended"


def test_a_clock_that_was_set_back_lets_nobody_decide_after_the_deadline_of_the_log(
    reviewing: Reviewing, answered: Answered
) -> None:
    run, references = answered.run, answered.references
    clock = reviewing.founded.clock
    clock.move(days=13, hours=23, minutes=55)
    clock.move(minutes=10)
    reviewing.founded.enrol("agency-late")
    clock.move(minutes=-10)
    late = reviewing.decide(run, accept(references))
    assert refusal(late) == (409, "review-over")
    reviewing.check_log()
    assert ended(reviewing)["reason"] == "deadline"


def test_the_next_round_ends_a_review_and_closes_its_supplement(
    reviewing: Reviewing, answered: Answered
) -> None:
    run, references = answered.run, answered.references
    reviewing.decide(run, accept(references[:3]))
    reviewing.exchange_claims()
    reviewing.open_round()
    kinds = reviewing.log_kinds()
    end = kinds.index("review-ended")
    assert kinds[end:] == [
        "review-ended",
        *["release-prepared"] * 2,
        "supplement-closed",
        "round-opened",
    ]
    assert ended(reviewing)["reason"] == "round-over"
    # Asking again gives the same round, and ends nothing twice.
    reviewing.open_round()
    assert reviewing.log_kinds().count("review-ended") == 1
    view = reviewing.round(1)
    (supplement,) = view["supplements"]
    assert (supplement["state"], supplement["claims"]) == ("closed", [])
    assert supplement["closing"]["proof"]


def test_a_round_that_is_not_opened_ends_nothing(make_reviewing: MakeReviewing) -> None:
    reviewing = make_reviewing(frequency="weekly")
    asked(reviewing)
    reviewing.exchange_claims()
    reviewing.offer_all()
    assert code_of(reviewing.ask_round()) == "round-not-due"
    assert "review-ended" not in reviewing.log_kinds()
    assert reviewing.review()["state"] == "answered"


@pytest.mark.parametrize("change", ["end", "review"])
def test_under_another_agreement_nothing_is_decided_nor_released(
    reviewing: Reviewing, answered: Answered, change: str
) -> None:
    run, references = answered.run, answered.references
    reviewing.decide(run, accept(references[:3]))
    reviewing.amend(
        **({"end": "2028-12-31"} if change == "end" else {"review": None, "elements": []})
    )
    answer = reviewing.decide(run, accept(references[3:]), number=2)
    assert refusal(answer) == (409, "not-in-force")
    reviewing.founded.clock.move(days=14)
    reviewing.sweep()
    assert (ended(reviewing)["reason"], ended(reviewing)["release"]) == ("deadline", None)
