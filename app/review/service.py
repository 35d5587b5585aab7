"""Who may see a review, who may take part in it, and what is handed out of it: logged before it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.agencies.persons import keys_of
from app.agreements.service import TermsInForce, project_for, terms_in_force, visible
from app.agreements.signers import refuse_untimely, require_duty
from app.broker import Broker
from app.clock import parse_utc, utc_text
from app.db import NEWEST, Window
from app.errors import (
    CARDS_MISSING,
    NOT_OF_REVIEW,
    REVIEW_OVER,
    STATEMENT_REFUSED,
    WRONG_DUTY,
    NotInForceError,
    RefusedError,
    SignatureRefusedError,
)
from app.matchlog.draft import EntryDraft
from app.review import repository
from app.review.models import Review
from app.review.preparation import BUCKETS_KIND, CARDS_KIND, QUESTIONS_KIND
from app.rounds.service import note_handed_out
from app.runs.approvals import require_approved
from app.runs.counts import above_floor
from app.runs.finality import require_final
from app.sealed.objects import Content, SealedFile, open_pieces
from app.security.actor import Actor
from schemas.documents.errors import SignatureError
from schemas.matchlog.review_kinds import ReviewAnswered, ReviewDecided, ReviewFetched
from schemas.rounds.review import ReviewAct, ReviewFile, ReviewView, SignedReviewStatement, part_in

_KINDS: Final[dict[ReviewFile, str]] = {
    "questions": QUESTIONS_KIND,
    "buckets": BUCKETS_KIND,
    "cards": CARDS_KIND,
}


def review_for(session: Session, actor: Actor, run: str, *, lock: bool = False) -> Review:
    """Return the review of a run of a project that the actor may see."""
    return visible(session, actor, repository.get_review(session, run, lock=lock))[0]


def reviews_for(
    session: Session, actor: Actor, project: str, window: Window = NEWEST
) -> Sequence[Review]:
    """Return a piece of the project's reviews that the actor may see, newest first."""
    project_for(session, actor, project)
    return repository.reviews_of_project(session, project, window)


def present_reviews(session: Session, actor: Actor, project: str) -> Sequence[Review]:
    """Return the reviews of which something may still be there, of a project that the actor may see."""
    project_for(session, actor, project)
    return repository.present_of_project(session, project)


def open_reviews_of(session: Session, project: str) -> Sequence[Review]:
    """Return the reviews of a project that go on."""
    return repository.open_of_project(session, project)


def is_reviewed(session: Session, run: str) -> bool:
    """Tell whether a run has a review; who may see the run may know."""
    return repository.get_review(session, run) is not None


def view_of(session: Session, review: Review, actor: Actor) -> ReviewView:
    """Return a review as this actor may see it: each agency what it has to do, others no small number."""
    questions = buckets = decided = None
    if actor.role != "agency":
        questions = above_floor(review.questions, review.floor)
    elif actor.party == review.reviewer:
        questions, decided = review.questions, _n_decided(session, review, actor.person)
    elif actor.party == review.asked:
        buckets = review.buckets
    return ReviewView.from_row(review, questions=questions, buckets=buckets, decided=decided)


def require_part(
    session: Session, broker: Broker, actor: Actor, review: Review, act: ReviewAct
) -> TermsInForce:
    """Return the terms under which the actor may do something in a review now."""
    party, duties = part_in(act, review.reviewer, review.asked)
    if actor.party != party:
        raise RefusedError(NOT_OF_REVIEW, f"This is for {party}.", clause="review")
    now = broker.clock()
    terms = terms_in_force(session, review.project, now)
    if terms.digest != review.agreement:
        raise NotInForceError(
            "The agreement has changed since the run was asked for.", clause="number"
        )
    require_duty(actor, *duties)
    listed = terms.agreement.person(actor.person)
    if listed is None or listed.party != party or set(duties).isdisjoint(listed.duties):
        raise RefusedError(
            WRONG_DUTY,
            f"The agreement does not list this person with the duty {' or '.join(duties)}.",
            clause="review",
        )
    if review.state == repository.ENDED or review.deadline <= utc_text(now):
        raise RefusedError(REVIEW_OVER, "This review no longer accepts or hands out anything.")
    require_approved(session, review.run, terms, "release", now)
    require_final(session, review.entry_size, terms.terms)
    return terms


def open_file(
    session: Session, broker: Broker, actor: Actor, run: str, what: ReviewFile
) -> SealedFile:
    """Return a file of a review, if the actor may have it now."""
    review = review_for(session, actor, run)
    require_part(session, broker, actor, review, what)
    content = _content(session, review, what)
    return SealedFile(content, open_pieces(session, broker, review.object, _KINDS[what]))


def log_fetch(session: Session, broker: Broker, actor: Actor, run: str, what: ReviewFile) -> None:
    """Record that a file is about to be handed out; commit before the first byte leaves."""
    review = review_for(session, actor, run, lock=True)
    terms = require_part(session, broker, actor, review, what)
    note_handed_out(session, run)
    sha256 = _content(session, review, what).sha256
    body = ReviewFetched(round=review.round, what=what, sha256=sha256)
    broker.log.append(session, [entry_of(review, terms.digest, body, actor)])


def entry_of(
    review: Review,
    agreement: str,
    body: ReviewFetched | ReviewAnswered | ReviewDecided,
    actor: Actor,
) -> EntryDraft:
    """Return the log entry of what a person does in a review."""
    return EntryDraft.about(body, review, agreement, actor, object=review.run)


def cards_missing(asked: str) -> RefusedError:
    """Return the refusal of what needs the cards of the asked agency, which have not come yet."""
    return RefusedError(CARDS_MISSING, f"{asked} has not sent its cards yet.")


def _content(session: Session, review: Review, what: ReviewFile) -> Content:
    found = repository.find_file(session, review.run, what)
    if found is None:
        raise cards_missing(review.asked)
    return Content(found.sha256, found.size_bytes)


def _n_decided(session: Session, review: Review, person: str) -> int:
    return sum(
        one.accepted + one.rejected + one.unsure
        for one in repository.statements_of(session, review.run)
        if one.person == person
    )


def require_stated(
    session: Session, actor: Actor, review: Review, signed: SignedReviewStatement, now: datetime
) -> None:
    """Check that the actor made a statement about a review, with the newest keys that they have enrolled."""
    stated = signed.statement
    if (stated.party, stated.person) != (actor.party, actor.person):
        raise RefusedError(
            STATEMENT_REFUSED, "The statement names a different person than the one who sent it."
        )
    about = (review.project, review.agreement, review.round, review.run)
    if (stated.project, stated.agreement, stated.round, stated.run) != about:
        raise RefusedError(STATEMENT_REFUSED, "The statement is about a different review.")
    try:
        signed.verify(keys_of(session, actor))
    except SignatureError:
        raise SignatureRefusedError("The signature does not match the document.") from None
    refuse_untimely(stated.at, now, parse_utc(review.created))
