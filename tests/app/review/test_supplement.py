"""What reviewers accepted: released to each recipient, recorded, claimed, closed, and destroyed in time."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from rigs.agreed_copies import reach
from rigs.answers import refusal
from rigs.destroying import certificate_file, destroy, destructions, hold_notice, send
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL
from rigs.reviewing import MakeReviewing, Reviewing
from twins.match_record import record_root

from app.review.models import Review
from app.review.preparation import REVIEW_PREFIX
from schemas.agreement.clauses import Finality
from schemas.api.bodies import MatchRecordPage
from schemas.linkage.run import IdSpace, Recipient
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import verify_receipt
from schemas.rounds.match_record import MatchRecordReader, opens, parse_openings
from schemas.rounds.receipt import Receipt
from schemas.rounds.release import parse_release


def accepted(reviewing: Reviewing, n: int = 4) -> str:
    """Let a run hold six pairs back, of which so many are accepted; returns the run."""
    run = reviewing.hold_back(6)
    questions = [one.reference for one in reviewing.questions(run)]
    reviewing.answer(run)
    verdicts = dict.fromkeys(questions[:n], "accept") | dict.fromkeys(questions[n:], "reject")
    assert reviewing.decide(run, verdicts).json()["state"] == "ended"
    return run


def ended(reviewing: Reviewing) -> dict[str, Any]:
    (entry,) = [one for one in reviewing.log_entries() if one["kind"] == "review-ended"]
    return dict(entry["body"])


def file_of(reviewing: Reviewing, party: str, number: int = 2) -> bytes:
    (release,) = reviewing.releases(party, number)
    answer = reviewing.get(f"/v1/releases/{release['release']}/file", party)
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def keys_of_reviews(reviewing: Reviewing) -> list[str]:
    names = reviewing.broker.keystore.object_ids()
    return [name for name in names if name.startswith(REVIEW_PREFIX)]


def test_the_supplement_closes_as_soon_as_both_have_sent_their_claims(
    reviewing: Reviewing, four_accepted: str
) -> None:
    content = {CHILD_WELFARE: b"of welfare", SCHOOL: b"of the school"}
    before = reviewing.put_claims(CHILD_WELFARE, SCHOOL, content[CHILD_WELFARE], release=2)
    assert (before.json()["release"], before.json()["sequence"]) == (2, 1)
    # Later claims of a party take the place of earlier ones, and all its claims are counted on.
    again = reviewing.put_claims(CHILD_WELFARE, SCHOOL, b"newer", release=2)
    assert again.json()["sequence"] == 2
    reviewing.exchange_claims()
    assert reviewing.round()["state"] == "closed"
    (supplement,) = reviewing.supplements()
    assert (supplement["state"], supplement["closing"]) == ("open", None)
    done = reviewing.put_claims(SCHOOL, CHILD_WELFARE, content[SCHOOL], release=2)
    # Its claims of the round's first release were its first ones.
    assert done.json()["sequence"] == 2
    (supplement,) = reviewing.supplements()
    assert supplement["state"] == "closed"
    assert {one["sha256"] for one in supplement["claims"]} == {
        hashlib.sha256(one).hexdigest() for one in (b"newer", content[SCHOOL])
    }
    (closed,) = [one for one in reviewing.log_entries() if one["kind"] == "supplement-closed"]
    assert closed["body"]["claims"] == supplement["claims"]
    receipt = Receipt.from_json(supplement["closing"])
    entry, _ = verify_receipt(receipt, [reviewing.broker.log.key], KINDS)
    assert (entry.seq, entry.kind) == (closed["seq"], "supplement-closed")
    assert reviewing.get_claims(CHILD_WELFARE, SCHOOL, release=2).content == content[SCHOOL]
    late = reviewing.put_claims(SCHOOL, CHILD_WELFARE, b"late", release=2)
    assert refusal(late) == (409, "supplement-closed")
    same = reviewing.put_claims(SCHOOL, CHILD_WELFARE, content[SCHOOL], release=2)
    assert same.json() == done.json()


def test_no_claims_are_taken_of_a_supplement_that_is_not_there(reviewing: Reviewing) -> None:
    reviewing.hold_back(6)
    answer = reviewing.put_claims(CHILD_WELFARE, SCHOOL, release=2)
    assert refusal(answer) == (404, "not-found")


def test_a_single_recipient_needs_no_claims(make_reviewing: MakeReviewing) -> None:
    only = (Recipient(party=SCHOOL, mode="linked", space="shared"),)
    reviewing = make_reviewing(recipients=only)
    accepted(reviewing)
    (supplement,) = reviewing.supplements()
    assert (supplement["state"], supplement["claims"]) == ("closed", [])
    assert not reviewing.releases(CHILD_WELFARE, 2)
    assert parse_release(file_of(reviewing, SCHOOL))[0].matches == 4
    # The log tells the other one no number.
    assert ended(reviewing)["accepted"] is None


@pytest.fixture
def later_accepted() -> None:
    """What `four_accepted` asks for, so that its broker is copied from one where the review has ended."""


@pytest.fixture
def four_accepted(later_accepted: None, reviewing: Reviewing) -> str:
    """A run that held six pairs back, of which four were accepted."""
    return reach(reviewing, lambda: accepted(reviewing))


@pytest.mark.parametrize(("n", "total"), [(4, 4), (2, None)])
def test_a_count_is_that_of_what_was_accepted_where_it_reaches_the_floor(
    make_reviewing: MakeReviewing, n: int, total: int | None
) -> None:
    recipients = (
        Recipient(party=CHILD_WELFARE, mode="linked", space="shared"),
        Recipient(party="research", mode="count", space="counted"),
        Recipient(party=SCHOOL, mode="none", space="shared"),
    )
    spaces = tuple(IdSpace(name=name, lifetime="lasting") for name in ("counted", "shared"))
    reviewing = make_reviewing(recipients=recipients, spaces=spaces)
    accepted(reviewing, n)
    header, matches = parse_release(file_of(reviewing, "research"))
    assert (header.number, header.total, matches) == (2, total, {})
    assert not reviewing.releases(SCHOOL, 2)


def test_the_match_record_of_what_was_accepted_is_the_one_in_the_log(
    make_reviewing: MakeReviewing,
) -> None:
    reviewing = make_reviewing(floor=0)
    run = accepted(reviewing)
    path = f"/v1/runs/{run}/match-record"
    first = MatchRecordPage.from_json(reviewing.get(path, AUDITOR, "auditor").json())
    answer = reviewing.get(f"{path}?release=2", AUDITOR, "auditor")
    page = MatchRecordPage.from_json(answer.json())
    record = b"".join([page.header.to_canonical() + b"\n", *page.lines()])
    reader = MatchRecordReader(io.BytesIO(record))
    rows = [row.decision for row in reader.rows()]
    root = ended(reviewing)["match_record_root"]
    assert reader.root() == record_root(record) == page.root == root != first.root
    assert [(one.band, one.rule) for one in rows if one] == [("auto", "reviewed")] * 4
    # By the same weights, and the steps that the run gave them while it held them back.
    assert page.header.weights == first.header.weights
    held = [row for row in first.rows if not isinstance(row, str) and row.band == "review"]
    steps = {(one.probability, one.lead) for one in held}
    assert {(one.probability, one.lead) for one in rows if one} <= steps
    # Each agency opens its own part of it, and nothing of another record.
    for party in (CHILD_WELFARE, SCHOOL):
        (release,) = reviewing.releases(party, 2)
        answer = reviewing.get(f"/v1/releases/{release['release']}/openings", party)
        header, openings = parse_openings(answer.content)
        matches = parse_release(file_of(reviewing, party))[1]
        assert {one.handle for one in openings} == set(matches)
        place = [one.party for one in page.header.uploads].index(party)
        for one in openings:
            decision = rows[one.number - 1]
            assert decision is not None
            assert opens(one, header, place, decision)
        digest = hashlib.sha256(answer.content).hexdigest()
        assert {"party": party, "sha256": digest} in ended(reviewing)["openings"]
    missing = reviewing.get(f"{path}?release=3", AUDITOR, "auditor")
    assert missing.status_code == 404


def test_of_few_that_were_accepted_an_auditor_sees_none(make_reviewing: MakeReviewing) -> None:
    reviewing = make_reviewing(floor=10)
    run = accepted(reviewing)
    answer = reviewing.get(f"/v1/runs/{run}/match-record?release=2", AUDITOR, "auditor")
    assert all(isinstance(row, str) for row in answer.json()["rows"])


def test_a_record_that_was_withdrawn_meanwhile_is_left_out(
    reviewing: Reviewing, held_back: str
) -> None:
    questions = reviewing.questions(held_back)
    reviewing.answer(held_back)
    other = reviewing.containers[1]
    for handle, party in ((questions[0].handle, CHILD_WELFARE), (other.handles[13], SCHOOL)):
        path = f"/v1/projects/{PROJECT}/withdrawals"
        assert (
            reviewing.post_as(path, party, {"handle": handle.hex(), "salt": "0" * 64}).status_code
            == 200
        )
    reviewing.decide(held_back, {one.reference: "accept" for one in questions})
    matches = parse_release(file_of(reviewing, CHILD_WELFARE))[1]
    own = reviewing.containers[0]
    gone = {questions[0].handle, own.handles[13]}
    assert set(matches) == {one.handle for one in questions} - gone
    # Nor does a count tell of them, where it is shown beside that of the release.
    with reviewing.broker.database.read() as session:
        assert session.get_one(Review, held_back).accepted == len(matches)


def test_a_supplement_waits_for_cosigners_of_its_own_entry(make_reviewing: MakeReviewing) -> None:
    reviewing = make_reviewing(finality=Finality(cosigners=1, delays_release=True))
    run = reviewing.hold_back(6)
    answer = reviewing.get(f"/v1/reviews/{run}/questions")
    assert refusal(answer) == (409, "run-not-final")


def test_what_a_review_has_is_destroyed_once_it_has_ended_and_certified(
    reviewing: Reviewing, four_accepted: str
) -> None:
    assert len(keys_of_reviews(reviewing)) == 1
    reviewing.sweep()
    assert not keys_of_reviews(reviewing)
    (found,) = destructions(reviewing)
    certificate = certificate_file(reviewing, found["certificate"]).certificate
    assert [(one.kind, one.party, one.entry) for one in certificate.objects] == [
        ("review", None, None)
    ]
    # What was released stays as long as any release.
    assert file_of(reviewing, CHILD_WELFARE)
    reviewing.founded.clock.move(days=91)
    reviewing.sweep()
    kinds = reviewing.log_kinds()
    assert kinds.count("match-record-destroyed") == 2
    assert kinds.count("release-destroyed") == 4
    assert not list(reviewing.broker.blobs.digests())


def test_under_a_legal_hold_what_a_review_has_stays(reviewing: Reviewing) -> None:
    person = reviewing.person(CHILD_WELFARE)
    signed = hold_notice(person, "set", order="Case 26-17")
    assert send(person, f"projects/{PROJECT}/legal-holds", signed).status_code == 200
    accepted(reviewing)
    reviewing.sweep()
    assert len(keys_of_reviews(reviewing)) == 1


def test_destroying_a_project_ends_its_review_and_releases_nothing(
    reviewing: Reviewing, held_back: str
) -> None:
    questions = reviewing.questions(held_back)
    reviewing.answer(held_back)
    reviewing.decide(held_back, {one.reference: "accept" for one in questions[:3]})
    answer = destroy(reviewing)
    assert answer.status_code in (200, 202), answer.text
    assert (ended(reviewing)["reason"], ended(reviewing)["release"]) == ("destroyed", None)
    reviewing.sweep()
    assert not keys_of_reviews(reviewing)
    (found,) = destructions(reviewing)
    certificate = certificate_file(reviewing, found["certificate"]).certificate
    assert "review" in {one.kind for one in certificate.objects}


def test_a_second_review_of_the_next_round_numbers_from_two_again(
    reviewing: Reviewing, four_accepted: str
) -> None:
    reviewing.exchange_claims()
    run = reviewing.hold_back(6)
    questions = [one.reference for one in reviewing.questions(run)]
    reviewing.answer(run)
    reviewing.decide(run, dict.fromkeys(questions, "accept"))
    (supplement,) = reviewing.supplements()
    assert (supplement["release"], reviewing.review()["release"]) == (2, 2)
    listed = reviewing.get(f"/v1/projects/{PROJECT}/reviews").json()["reviews"]
    assert [one["round"] for one in listed] == [2, 1]
    older = reviewing.get(f"/v1/projects/{PROJECT}/reviews?before={run}").json()["reviews"]
    assert [one["round"] for one in older] == [1]
