"""Ends reviews: because all is decided, at the deadline, with the round, or because all is destroyed.

What was accepted becomes a supplementary release in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import agreement_now, lock_rounds
from app.broker import Broker
from app.clock import utc_text
from app.decisions.preparation import keep_record
from app.guarded import do_each
from app.links.preparation import keep_releases
from app.matchlog.draft import EntryDraft
from app.review import repository
from app.review.held_pairs import HeldPair, unpack_pairs
from app.review.models import Review
from app.review.preparation import DECISIONS_KIND, PAIRS_KIND
from app.review.results import rejected_for_log
from app.review.settlement import agreements, is_decided, settled
from app.review.supplement import PreparedSupplement, prepare_supplement
from app.rounds.supplements import open_supplement
from app.runs.counts import matches_for_log
from app.sealed.ending import Ended, due_rows
from app.sealed.objects import open_pieces
from schemas.matchlog.review_kinds import ReviewEnded
from schemas.rounds.review import Decisions, EndReason, Verdict


def pairs_of(session: Session, broker: Broker, review: Review) -> tuple[HeldPair, ...]:
    """Return the pairs in question, in increasing order of reference."""
    return unpack_pairs(open_pieces(session, broker, review.object, PAIRS_KIND).piece(0))


def references_of(session: Session, broker: Broker, review: Review) -> frozenset[str]:
    """Return the references of all questions."""
    return frozenset(pair.reference.hex() for pair in pairs_of(session, broker, review))


def verdicts_of(session: Session, broker: Broker, review: Review) -> dict[str, dict[str, Verdict]]:
    """Return for each question that anybody decided each person's verdict, in the order in which they came."""
    pieces = open_pieces(session, broker, review.object, DECISIONS_KIND)
    given: dict[str, dict[str, Verdict]] = {}
    for statement in repository.statements_of(session, review.run):
        for one in Decisions.from_canonical(pieces.piece(statement.place)).decisions:
            given.setdefault(one.reference, {})[statement.person] = one.verdict
    return given


def end_if_decided(session: Session, broker: Broker, review: Review) -> None:
    """End a review, whose row is locked, if what was decided by now settles it."""
    has_ended: dict[str, bool] = {}
    for one in repository.statements_of(session, review.run):
        has_ended[one.person] = has_ended.get(one.person, False) or one.is_last
    asked = references_of(session, broker, review)
    if is_decided(asked, verdicts_of(session, broker, review), has_ended, review.persons):
        end_review(session, broker, review, "decided")


def end_with_round(
    session: Session, broker: Broker, project: str, *, may_release: bool = True
) -> None:
    """End the reviews of a project whose next round is about to open; release what was accepted, if allowed."""
    now = utc_text(broker.clock())
    for review in repository.open_of_project(session, project):
        reason: EndReason = "deadline" if review.deadline <= now else "round-over"
        end_review(session, broker, review, reason, may_release=may_release)


def end_overdue(broker: Broker) -> int:
    """End the reviews whose deadline has come, a unit of work each, whichever fail; returns how many."""
    now = utc_text(broker.clock())
    with broker.database.read() as session:
        overdue = [(one.project, one.run) for one in repository.overdue(session, now)]
    return do_each(
        "project",
        ((project, partial(_end_overdue, broker, project, run)) for project, run in overdue),
    )


def end_review(
    session: Session, broker: Broker, review: Review, reason: EndReason, *, may_release: bool = True
) -> None:
    """End a review, whose row and project's rounds are locked; release what was accepted."""
    with ExitStack() as stack:
        made = _counted(session, broker, review, stack) if may_release else None
        now = utc_text(broker.clock())
        review.state, review.reason, review.ended, review.keep_until = "ended", reason, now, now
        drafts = [_draft(session, broker, review, made), *(() if made is None else made.drafts())]
        _, *appended = broker.log.append(session, drafts)
        if made is not None:
            review.release = made.number
            keep_record(session, made.record)
            keep_releases(session, made.releases, appended)
            open_supplement(session, broker, made.pair, made.number)
        session.flush()


live_reviews: Final = repository.live_reviews
due_reviews: Final = partial(due_rows, Review)


def end_reviews(
    session: Session, broker: Broker, reviews: Sequence[Review], now: datetime
) -> list[Ended]:
    """Mark reviews of one project as destroyed; those that go on end first, and release nothing."""
    ended = []
    for review in reviews:
        if review.state != repository.ENDED:
            reason: EndReason = "deadline" if review.deadline <= utc_text(now) else "destroyed"
            end_review(session, broker, review, reason, may_release=False)
        review.destroyed = utc_text(now)
        questions = repository.find_file(session, review.run, "questions")
        ended.append(
            Ended(
                key=review.object,
                kind="review",
                party=None,
                sha256="" if questions is None else questions.sha256,
                count=None,
                created=review.created,
                draft=None,
            )
        )
    return ended


def _end_overdue(broker: Broker, project: str, run: str) -> bool:
    with broker.database.write() as session:
        lock_rounds(session, project)
        review = repository.get_review(session, run, lock=True)
        if review is None or review.state == repository.ENDED:
            return False
        end_review(session, broker, review, "deadline")
        return True


def _counted(
    session: Session, broker: Broker, review: Review, stack: ExitStack
) -> PreparedSupplement | None:
    """Note what was decided by now, and prepare the release of what was accepted, as `prepare_supplement`."""
    given = verdicts_of(session, broker, review)
    results = {one: settled(verdicts, review.persons) for one, verdicts in given.items()}
    accepted = [
        pair
        for pair in pairs_of(session, broker, review)
        if results.get(pair.reference.hex()) == "accept"
    ]
    made = prepare_supplement(session, broker, review, accepted, stack)
    # As many as the release has: a difference would tell of a record that was withdrawn.
    review.accepted = len(accepted) if made is None else made.n_matches
    review.rejected = sum(result == "reject" for result in results.values())
    review.agreed = json.dumps([[one.first, one.second, one.table] for one in agreements(given)])
    return made


def _draft(
    session: Session, broker: Broker, review: Review, made: PreparedSupplement | None
) -> EntryDraft:
    """Return the log entry of the end; of numbers it says only what tells of no few records."""
    n_released = None if made is None else matches_for_log(made.n_matches, made.specification)
    if made is None:
        bound = agreement_now(session, review.project, broker.clock())
    else:
        # By now it may be midnight, and another one bind: the run's did as the release was made.
        bound = made.specification.agreement
    return EntryDraft.about(
        ReviewEnded(
            round=review.round,
            reason=review.reason,  # type: ignore[arg-type]  # the column holds only these
            accepted=n_released,
            rejected=None if made is None else rejected_for_log(review),
            open=None,
            release=None if made is None else made.number,
            match_record_root=None if made is None else made.record.root(),
            openings=() if made is None else made.record.digests(),
        ),
        review,
        bound,
        object=review.run,
    )
