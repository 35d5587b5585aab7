"""Steps about clerical review: asked as agreed, answered and decided by whom that lists, ended in time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

from schemas.agreement.allowance import Charge, questions_left
from schemas.agreement.clauses import Review
from schemas.documents.errors import SignatureError
from schemas.documents.ids import utc_text
from schemas.matchlog.entry import Entry
from schemas.matchlog.review_kinds import (
    ReviewAnswered,
    ReviewAsked,
    ReviewDecided,
    ReviewEnded,
    ReviewFetched,
    SupplementClosed,
)
from schemas.rounds.review import ReviewAct, part_in
from schemas.rules.approvals import fetch_is_approved
from schemas.rules.breach import BreachError
from schemas.rules.claims import pair_owes
from schemas.rules.finality import note_handed_out
from schemas.rules.keeping import keep_match_record
from schemas.rules.log_state import Linked, LogState, ReviewState, RunState
from schemas.rules.requests import public_key
from schemas.rules.round_state import SupplementState
from schemas.rules.steps import (
    GRACE_DAYS,
    break_off,
    counts_reach_floor,
    is_under_own_agreement,
    moment_before,
    project_of,
    run_of,
    was_signed_lately,
)


def ask(log: LogState, entry: Entry) -> None:
    """A run of the newest round is asked about as it finishes, once, by whom the terms say, for so long."""
    run, body, project = run_of(log, entry), entry.body_as(ReviewAsked), project_of(log, entry)
    _is_of_round(run, body.round, entry)
    clause = project.terms.review
    holds = (
        clause is not None
        and body.reviewer == clause.reviewer
        and {body.reviewer, body.asked} == set(run.pair)
        and run.stage == "finished"
        and run.linked[0].batch == entry.batch
        and entry.of_object not in log.reviews
        and body.round == project.rounds.last
        and body.round not in project.rounds.superseded
    )
    if clause is None or not holds:
        message = "a review is asked for that the agreement does not have, or not of this run"
        break_off("review-unasked", message, entry, run.seq)
    counts_reach_floor(log, entry, (body.charged,))
    _within_allowance(log, entry, clause, body)
    begun = datetime.fromisoformat(body.deadline) - timedelta(days=clause.days)
    if not moment_before(entry) <= utc_text(begun) <= entry.time:
        message = "a review's deadline is not as many days after its run as the agreement says"
        break_off("review-late", message, entry, project.seq)
    log.reviews[entry.of_object] = ReviewState(
        project=run.project,
        reviewer=sys.intern(body.reviewer),
        asked=sys.intern(body.asked),
        persons=clause.persons,
        asked_at=Charge(entry.time, body.charged),
        files={"questions": body.questions_sha256, "buckets": body.buckets_sha256},
        begun=utc_text(begun),
        deadline=body.deadline,
        seq=entry.seq,
    )


def fetch(log: LogState, entry: Entry) -> None:
    """A file of a review leaves for a person who may have it, as it was logged, while it goes on."""
    body = entry.body_as(ReviewFetched)
    review = _going_on(log, entry, body.round)
    _acts_for(log, entry, review, body.what)
    is_there = review.answered is not None if body.what == "cards" else True
    if not is_there or review.files.get(body.what, body.sha256) != body.sha256:
        message = "a file of a review is handed out that is not there, or is another one"
        break_off("review-file", message, entry, review.seq)
    note_handed_out(log, entry, review.seq)
    opened = project_of(log, entry).rounds.open
    if opened is not None and opened.number == body.round:
        opened.is_fetched = True


def answer(log: LogState, entry: Entry) -> None:
    """The asked agency answers with cards, once, by the signed statement of a person of it."""
    body = entry.body_as(ReviewAnswered)
    review = _going_on(log, entry, body.round)
    _acts_for(log, entry, review, "answer")
    _is_stated(log, entry, body, review)
    if review.answered is not None:
        break_off("review-order", "a review is answered twice", entry, review.answered)
    review.answered = entry.seq


def decide(log: LogState, entry: Entry) -> None:
    """A reviewer decides once the cards are there, by statements numbered on from the first to the last."""
    body = entry.body_as(ReviewDecided)
    review = _going_on(log, entry, body.round)
    _acts_for(log, entry, review, "decide")
    _is_stated(log, entry, body, review)
    if review.answered is None:
        message = "a reviewer decides before the cards have come"
        break_off("review-order", message, entry, review.seq)
    _tells_nothing(entry, review, body.accepted, body.rejected, body.unsure)
    statement = body.signed.statement
    number, was_last = review.said.get(statement.person, (0, False))
    if was_last or statement.number != number + 1:
        message = "a reviewer's statements are out of number, or one comes after the last"
        break_off("review-order", message, entry, review.seq)
    review.said[sys.intern(statement.person)] = (statement.number, statement.is_last)


def end(log: LogState, entry: Entry) -> None:
    """A review ends once, in time; what as many persons as agreed have accepted is the round's next release."""
    body, run = entry.body_as(ReviewEnded), run_of(log, entry)
    review = _review_of(log, entry, body.round)
    needs_persons = body.reason == "decided" or body.release is not None
    if review.ended is not None or (needs_persons and len(review.said) < review.persons):
        message = "a review ends twice, or by decisions that nobody, or too few persons, have made"
        break_off("review-order", message, entry, review.ended or review.seq)
    if body.reason == "destroyed" and body.release is not None:
        message = "a review ends since all of it is destroyed, and something of it is released"
        break_off("review-order", message, entry, review.seq)
    has_passed = entry.time >= review.deadline
    is_due = has_passed if body.reason == "deadline" else moment_before(entry) < review.deadline
    if not is_due:
        message = "a review ends after its deadline, or as if it had passed"
        break_off("review-late", message, entry, review.seq)
    _tells_nothing(entry, review, body.open)
    counts_reach_floor(log, entry, (body.accepted, body.rejected))
    _is_within_asked(log, entry, review, body)
    review.ended = entry.seq
    _has_record(log, run, body, entry)
    if body.release is not None:
        _release(log, entry, run, body.release, body.accepted)


def close_supplement(log: LogState, entry: Entry) -> None:
    """A supplement is closed once, with the last claims of both parties; without, as a round opens."""
    body, project = entry.body_as(SupplementClosed), project_of(log, entry)
    state = project.rounds.supplements.pop((body.round, body.release), None)
    if state is None or state.run != entry.of_object:
        message = "a supplementary release is closed that is not open"
        break_off("supplement-unasked", message, entry)
    listed = {(one.party, one.partner): one.sha256 for one in body.claims}
    if listed != state.claims:
        message = "a supplementary release is closed with other claims than were received last"
        break_off("round-claims", message, entry, state.seq)
    if not pair_owes(state) <= listed.keys():
        project.rounds.early[entry.seq] = entry.batch


def open_reviews(log: LogState, project: str | None) -> Iterator[ReviewState]:
    """Yield the reviews of a project that have not ended."""
    for review in log.reviews.values():
        if review.project == project and review.ended is None:
            yield review


def all_ended(log: LogState) -> None:
    """After the last entry, no review goes on beyond its deadline, and no supplement was closed early."""
    for review in log.reviews.values():
        due = datetime.fromisoformat(review.deadline) + timedelta(days=GRACE_DAYS)
        if review.ended is None and log.time[:10] > utc_text(due)[:10]:
            raise BreachError(
                "review-late",
                "a review was not ended at its deadline",
                index=review.seq,
                evidence={"deadline": review.deadline, "last_time": log.time},
            )
    for project in log.projects.values():
        for seq in project.rounds.early:
            raise BreachError(
                "supplement-closing",
                "a supplementary release was closed without its claims, and no round opened",
                index=seq,
            )


def _going_on(log: LogState, entry: Entry, number: int) -> ReviewState:
    """Return the review that an entry belongs to: its deadline has not passed, and its release is approved."""
    review = _review_of(log, entry, number)
    if review.ended is not None or moment_before(entry) >= review.deadline:
        message = "something happens in a review that has ended, or after its deadline"
        break_off("review-late", message, entry, review.ended or review.seq)
    # What reviewers and the asked agency see of each other's records waits for the same as the release.
    fetch_is_approved(log, entry, run_of(log, entry))
    return review


def _review_of(log: LogState, entry: Entry, number: int) -> ReviewState:
    run, review = run_of(log, entry), log.reviews.get(entry.of_object)
    _is_of_round(run, number, entry)
    if review is None:
        break_off("review-order", "a review goes on that nobody asked for", entry, run.seq)
    return review


def _is_of_round(run: RunState, number: int, entry: Entry) -> None:
    if number != run.round:
        break_off("review-order", "a review is of another round than its run", entry, run.seq)


def _acts_for(log: LogState, entry: Entry, review: ReviewState, act: ReviewAct) -> None:
    """Check that the person who acts is listed by the agreement, with the duty, and may still act."""
    actor, agreement = entry.actor, project_of(log, entry).binding.agreement
    party, duties = part_in(act, review.reviewer, review.asked)
    listed = agreement.person(actor.person or "")
    person = log.persons.get(actor.person or "")
    fits = (
        listed is not None
        and (actor.party, listed.party) == (party, party)
        and not set(duties).isdisjoint(listed.duties)
        and person is not None
        and person.party == actor.party
        and person.revoked is None
    )
    if not fits:
        message = "someone acts in a review whom the agreement does not let do it"
        break_off("review-duty", message, entry, review.seq)


def _is_stated(
    log: LogState, entry: Entry, body: ReviewAnswered | ReviewDecided, review: ReviewState
) -> None:
    """Check that the person who acts states what the entry says, and has signed it during the review."""
    statement, actor = body.signed.statement, entry.actor
    about = (statement.project, statement.agreement, statement.round, statement.run)
    who = (statement.party, statement.person)
    its_own = (entry.project, entry.agreement, body.round, entry.object)
    if about != its_own or who != (actor.party, actor.person):
        message = "a statement is of another run, round, agreement, party or person than its entry"
        break_off("review-statement", message, entry)
    try:
        body.signed.require_signature(public_key(log.persons[statement.person]))
    except SignatureError as exc:
        break_off("review-statement", f"a statement does not count: {exc}", entry)
    # Who lost the connection sends the same again as long as the review goes on.
    was_signed_lately(entry, statement.at, since=review.begun)


def _tells_nothing(entry: Entry, review: ReviewState, *counts: int | None) -> None:
    """Check that the log, which the asked agency reads, does not say how its records were decided on."""
    if any(count is not None for count in counts):
        message = "the log tells agencies how many pairs were decided in which way"
        break_off("decisions-told", message, entry, review.seq)


def _within_allowance(log: LogState, entry: Entry, clause: Review, body: ReviewAsked) -> None:
    """Check that no more is asked than the agreement lets be asked by now, since the project began."""
    before = [
        one.asked_at
        for one in log.reviews.values()
        if (one.project, one.reviewer, one.asked) == (entry.project, body.reviewer, body.asked)
    ]
    if body.charged > questions_left(clause, before, entry.time):
        message = "a review asks more questions than the agreement lets be asked by now"
        break_off("review-beyond", message, entry)


def _is_within_asked(log: LogState, entry: Entry, review: ReviewState, body: ReviewEnded) -> None:
    """Check that no more pairs were decided than asked about, and that what is left tells of no few."""
    left = review.asked_at.questions - (body.accepted or 0) - (body.rejected or 0)
    if left < 0:
        message = "a review decides more pairs than were asked about"
        break_off("review-beyond", message, entry)
    if body.rejected is not None and 0 < left < project_of(log, entry).terms.floor:
        _tells_nothing(entry, review, left)


def _has_record(log: LogState, run: RunState, body: ReviewEnded, entry: Entry) -> None:
    has_record = body.match_record_root is not None
    if has_record != (body.release is not None) or (body.openings and not has_record):
        message = "a review ends with a match record of nothing, or releases what is in none"
        break_off("match-record-unknown", message, entry, run.seq)
    if body.match_record_root is not None:
        keep_match_record(log, entry, run, body.match_record_root, body.openings)


def _release(log: LogState, entry: Entry, run: RunState, number: int, accepted: int | None) -> None:
    is_under_own_agreement(run, entry)
    rounds = project_of(log, entry).rounds
    if number != rounds.releases + 1:
        message = "a review ends with another number than the round's next release"
        break_off("review-order", message, entry, run.seq)
    rounds.releases = number
    run.linked += (Linked(number, accepted, entry.batch),)
    state = SupplementState(entry.of_object, run.pair, run.space, entry.seq)
    rounds.supplements[run.round, number] = state
