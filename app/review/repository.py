"""All queries of reviews. Who may see one is decided by its project."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from app.db import NEWEST, Window, is_ahead, look_through, scalars_of_project
from app.review.models import Review, ReviewedFile, StatedDecision
from app.sealed.objects import present_objects

ENDED = "ended"
# As its index says it, so that a statement that is planned once uses it.
_IS_OPEN = Review.state != literal(ENDED, literal_execute=True)


def get_review(session: Session, run: str, *, lock: bool = False) -> Review | None:
    """Return the review of a run, or None; callers ask its project whether the actor may see it."""
    return session.get(Review, run, populate_existing=True, with_for_update=lock or None)


def reviews_of_project(session: Session, project: str, window: Window = NEWEST) -> Sequence[Review]:
    """Return a piece of the project's reviews, newest first."""
    query = select(Review).where(Review.project == project)
    return look_through(session, query, Review.entry, Review.run, window)


def open_of_project(session: Session, project: str) -> Sequence[Review]:
    """Return, locked, the project's reviews that have not ended, oldest first."""
    query = select(Review).where(_IS_OPEN).order_by(Review.entry)
    if not is_ahead(session, project):
        query = query.with_for_update().execution_options(populate_existing=True)
    return scalars_of_project(session, project, Review.project, lambda: query, "open_reviews")


def asked_before(session: Session, project: str, reviewer: str, asked: str) -> Sequence[Review]:
    """Return all reviews of a project that asked an agency for the same reviewer, oldest first."""
    query = select(Review).where(Review.project == project)
    query = query.where(Review.reviewer == reviewer, Review.asked == asked)
    return session.scalars(query.order_by(Review.entry)).all()


def overdue(session: Session, now: str) -> Sequence[Review]:
    """Return the reviews of all projects whose deadline has come and that have not ended."""
    query = select(Review).where(_IS_OPEN, Review.deadline <= now)
    return session.scalars(query.order_by(Review.entry)).all()


def find_file(session: Session, run: str, what: str) -> ReviewedFile | None:
    """Return what a file of a review is, or None where there is none (yet)."""
    return session.get(ReviewedFile, (run, what))


def statements_of(session: Session, run: str) -> Sequence[StatedDecision]:
    """Return the reviewers' statements in a review, in the order in which they came."""
    query = select(StatedDecision).where(StatedDecision.run == run)
    return session.scalars(query.order_by(StatedDecision.place)).all()


def find_statement(session: Session, run: str, person: str, number: int) -> StatedDecision | None:
    """Return a person's statement of this number, or None."""
    return session.get(StatedDecision, (run, person, number))


def live_reviews(
    session: Session, project: str, runs: Collection[str] | None = None
) -> Sequence[Review]:
    """Return, locked, the project's reviews of which something is there: all (None), or those of these runs."""
    query = select(Review).where(Review.project == project, Review.destroyed.is_(None))
    if runs is not None:
        query = query.where(Review.run.in_(runs))
    query = query.order_by(Review.object).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def present_of_project(session: Session, project: str) -> Sequence[Review]:
    """Return the reviews of a project of which something may be left."""
    return scalars_of_project(
        session,
        project,
        Review.project,
        lambda: select(Review).where(Review.object.in_(present_objects())).order_by(Review.object),
        "present_reviews",
    )
