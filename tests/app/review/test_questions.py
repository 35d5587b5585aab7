"""What is asked about a run's pairs sent to review, whom, and what is said of it before it leaves."""

from __future__ import annotations

import hashlib
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from rigs.answers import code_of, refusal
from rigs.enrolled import EnrolledPerson
from rigs.linkage import AUDITOR, CHILD_WELFARE, SCHOOL
from rigs.persons import DUTIES
from rigs.reviewing import MakeReviewing, Reviewing

from app.blobs import FileBlobs
from app.review import held_pairs
from app.review.held_pairs import unpack_pairs
from app.review.models import Review
from app.review.preparation import HANDLES_KIND, PAIRS_KIND, REVIEW_PREFIX
from app.sealed.objects import open_pieces
from schemas.agreement.clauses import ApprovalRule
from schemas.rounds.review import bucket_of


def kept(reviewing: Reviewing, run: str, kind: str) -> bytes:
    """Return what the broker keeps of a review, in the clear."""
    with reviewing.broker.database.read() as session:
        review = session.get_one(Review, run)
        return open_pieces(session, reviewing.broker, review.object, kind).piece(0)


def rows_held_back(reviewing: Reviewing, run: str) -> list[dict[str, Any]]:
    """Return the rows of the match record of what a run sent to review."""
    record = reviewing.get(f"/v1/runs/{run}/match-record", AUDITOR, "auditor").json()
    return [one for one in record["rows"] if isinstance(one, dict) and one["band"] == "review"]


def test_the_likeliest_pairs_come_first_and_no_more_than_agreed(
    make_reviewing: MakeReviewing,
) -> None:
    reviewing = make_reviewing({"first": 3})
    run = reviewing.hold_back(8)
    pairs = unpack_pairs(kept(reviewing, run, PAIRS_KIND))
    assert len(pairs) == len(reviewing.questions(run)) == 3
    held = rows_held_back(reviewing, run)
    assert len(held) > 3
    likeliest = max(one["probability"] for one in held)
    assert max(pair.probability for pair in pairs) >= len(
        [step for step in {one["probability"] for one in held} if step < likeliest]
    )


def test_what_is_asked_over_the_weeks_is_no_more_than_the_allowance(
    make_reviewing: MakeReviewing,
) -> None:
    reviewing = make_reviewing({"first": 7, "weekly": 4})

    def asked_next_round() -> int:
        reviewing.hold_back(6)
        entries = [one for one in reviewing.log_entries() if one["kind"] == "review-asked"]
        charged = sum(one["body"]["charged"] for one in entries)
        reviewing.founded.clock.move(days=28)
        reviewing.sweep()
        return charged

    # One is left of the first seven, which the log would count as the floor, 3.
    assert [asked_next_round() for _ in range(4)] == [6, 6, 10, 16]


def test_no_more_is_asked_than_can_be_answered(
    monkeypatch: pytest.MonkeyPatch, reviewing: Reviewing
) -> None:
    monkeypatch.setattr(held_pairs, "MAX_CARDS", 20)
    run = reviewing.hold_back(8)
    # Its thirty records are in two buckets.
    assert len(kept(reviewing, run, HANDLES_KIND)) // 16 == 15
    assert len(reviewing.asked(run)) == 1


@pytest.mark.parametrize(("n_common", "is_asked"), [(8, True), (9, False)])
def test_a_bucket_is_asked_about_while_enough_of_it_are_left_without_a_match(
    reviewing: Reviewing, n_common: int, is_asked: bool
) -> None:
    # One bucket of twelve; at least four must be left, of whom three are sent to review.
    reviewing.hold_back(3, n_records=12, n_common=n_common)
    assert reviewing.run()["counts"]["auto_pairs"] == n_common
    assert ("review-asked" in reviewing.log_kinds()) == is_asked


def test_a_small_file_is_not_asked_about(make_reviewing: MakeReviewing) -> None:
    reviewing = make_reviewing({"bucket": 31, "first": 10})
    run = reviewing.hold_back(6)
    assert reviewing.get(f"/v1/projects/{reviewing.terms.project}/reviews").json() == {
        "reviews": []
    }
    assert "review-asked" not in reviewing.log_kinds()
    answer = reviewing.get(f"/v1/reviews/{run}/questions")
    assert refusal(answer) == (404, "not-found")


def test_where_nothing_is_held_back_nothing_is_asked(reviewing: Reviewing) -> None:
    reviewing.hold_back(0)
    assert "review-asked" not in reviewing.log_kinds()


def test_watchers_learn_no_count_below_the_floor(make_reviewing: MakeReviewing) -> None:
    reviewing = make_reviewing()
    reviewing.hold_back(2)
    assert reviewing.review(AUDITOR, "auditor")["questions"] is None
    assert reviewing.review("operator", "operator")["questions"] is None
    assert reviewing.review()["questions"] == 2


def test_each_party_gets_its_own_part_of_what_is_asked_and_the_log_says_so_before(
    reviewing: Reviewing, held_back: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(reviewing.log_entries())
    for path, party in (("questions", SCHOOL), ("cards", SCHOOL), ("asked", CHILD_WELFARE)):
        answer = reviewing.get(f"/v1/reviews/{held_back}/{path}", party)
        assert refusal(answer) == (409, "not-of-review")
    assert len(reviewing.log_entries()) == before
    answer = reviewing.get(f"/v1/reviews/{held_back}/cards")
    assert refusal(answer) == (409, "cards-missing")
    # Each file is logged before it leaves.
    file = reviewing.get(f"/v1/reviews/{held_back}/questions")
    reviewing.asked(held_back)
    reviewing.answer(held_back)
    cards = reviewing.get(f"/v1/reviews/{held_back}/cards")
    fetched = [one for one in reviewing.log_entries() if one["kind"] == "review-fetched"]
    assert [one["body"]["what"] for one in fetched] == ["questions", "buckets", "buckets", "cards"]
    for entry, answer in ((fetched[0], file), (fetched[-1], cards)):
        assert entry["body"]["sha256"] == hashlib.sha256(answer.content).hexdigest()
        assert entry["actor"]["person"] == reviewing.person(CHILD_WELFARE).id
        assert answer.headers["cache-control"] == "no-store"
    # Each party sees its own part.
    own, theirs = reviewing.review(), reviewing.review(SCHOOL)
    assert (own["questions"], own["buckets"], own["decided"]) == (6, None, 0)
    assert (theirs["questions"], theirs["decided"]) == (None, None)
    assert theirs["buckets"] == len(reviewing.asked(reviewing.run_id()))
    watched = reviewing.review(AUDITOR, "auditor")
    assert (watched["questions"], watched["buckets"], watched["decided"]) == (6, None, None)
    # The log says what was asked and no number of it.
    (asked,) = [one for one in reviewing.log_entries() if one["kind"] == "review-asked"]
    body = asked["body"]
    answer = reviewing.get(f"/v1/reviews/{held_back}/questions")
    assert body["questions_sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert (asked["object"], body["round"], body["charged"]) == (held_back, 1, 6)
    assert (body["reviewer"], body["asked"]) == (CHILD_WELFARE, SCHOOL)
    assert body["deadline"] == reviewing.review()["deadline"] == "2026-09-15T06:00:00Z"
    # Every pair that is sent to review is a question about the reviewers own record.
    questions = reviewing.questions(held_back)
    own, other = reviewing.containers
    doubtful = range(12, 18)
    assert {one.handle for one in questions} == {own.handles[at] for at in doubtful}
    assert len(questions) == len(rows_held_back(reviewing, held_back)) == len(doubtful)
    # The other agency is asked for the buckets of exactly those records, and of nobody's in particular.
    wanted = {bucket_of(other.handles[at]) for at in doubtful}
    assert set(reviewing.asked(held_back)) == wanted
    in_buckets = [one for one in other.handles if bucket_of(one) in wanted]
    assert kept(reviewing, held_back, HANDLES_KIND) == b"".join(sorted(in_buckets))
    assert len(in_buckets) >= 4 * len(wanted)
    # A question names the row of its own container in which the two met.
    pairs = {one.reference: one for one in unpack_pairs(kept(reviewing, held_back, PAIRS_KIND))}
    for question in reviewing.questions(held_back):
        pair = pairs[question.reference]
        # The school has the larger file.
        assert (question.handle, question.row) == (pair.handles[1], pair.rows[1])
    # A file that cannot be read is not said to have been fetched.
    logged = reviewing.log_kinds()
    with monkeypatch.context() as patched:
        patched.setattr(FileBlobs, "_read", Mock(side_effect=FileNotFoundError))
        for what, party in (("questions", CHILD_WELFARE), ("asked", SCHOOL)):
            assert (
                code_of(reviewing.get(f"/v1/reviews/{held_back}/{what}", party)) == "blob-missing"
            )
    assert reviewing.log_kinds() == logged
    assert reviewing.questions(held_back)


def test_only_whom_the_agreement_lists_with_the_duty_gets_a_file(reviewing: Reviewing) -> None:
    analyst, off_the_roster = (
        EnrolledPerson.confirmed(reviewing.founded, reviewing.client, CHILD_WELFARE, *duties)
        for duties in (("analyst", "approver"), DUTIES["agency"])
    )
    reviewing.list_also(analyst.identity)
    run = reviewing.hold_back(6)
    for person, expected in ((analyst, (403, "wrong-duty")), (off_the_roster, (404, "not-found"))):
        answer = person.call("GET", f"/v1/reviews/{run}/questions")
        assert refusal(answer) == expected
    assert "review-fetched" not in reviewing.log_kinds()


def test_nothing_is_handed_out_after_the_deadline_or_under_another_agreement(
    reviewing: Reviewing, held_back: str
) -> None:
    reviewing.founded.clock.move(days=14)
    answer = reviewing.get(f"/v1/reviews/{held_back}/questions")
    assert refusal(answer) == (409, "review-over")
    reviewing.founded.clock.move(days=-1)
    reviewing.amend(end="2028-12-31")
    answer = reviewing.get(f"/v1/reviews/{held_back}/questions")
    assert refusal(answer) == (409, "not-in-force")


def test_what_waits_for_approvals_is_not_asked_yet(make_reviewing: MakeReviewing) -> None:
    rule = ApprovalRule(
        runs="standing", parties=(CHILD_WELFARE,), asker_suffices=True, releases=True
    )
    reviewing = make_reviewing(approvals=rule)
    run = reviewing.hold_back(6)
    for path, party in (("questions", CHILD_WELFARE), ("asked", SCHOOL)):
        answer = reviewing.get(f"/v1/reviews/{run}/{path}", party)
        assert refusal(answer) == (409, "not-approved")


def test_once_a_question_was_handed_out_the_round_stands(
    reviewing: Reviewing, held_back: str
) -> None:
    reviewing.questions(held_back)
    answer = reviewing.correct(1)
    assert refusal(answer) == (409, "releases-fetched")


def test_a_correction_ends_the_review_and_destroys_its_questions(
    reviewing: Reviewing, held_back: str
) -> None:
    assert reviewing.correct(1).status_code == 201
    (ended,) = [one for one in reviewing.log_entries() if one["kind"] == "review-ended"]
    assert (ended["object"], ended["body"]["reason"]) == (held_back, "round-over")
    assert ended["body"]["release"] is None
    reviewing.sweep()
    names = list(reviewing.broker.keystore.object_ids())
    assert not [name for name in names if name.startswith(REVIEW_PREFIX)]


def test_handles_of_buckets_are_those_of_the_labels_in_order() -> None:
    rng = np.random.default_rng(1)
    table = np.sort(rng.integers(0, 3, (200, 16), dtype=np.uint8).view("S16").reshape(-1))
    handles = np.unique(table).view(np.uint8).reshape(-1, 16)
    labels = sorted({bytes(one[:4]) for one in handles})[::2]
    expected = [bytes(one) for one in handles if bytes(one[:4]) in labels]
    assert held_pairs.handles_of_buckets(np.array_split(handles, 3), labels) == b"".join(expected)
