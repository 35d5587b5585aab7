"""All queries of releases. A read for a caller starts from what the caller may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.db import Window, look_through, scalars_of_project
from app.links.models import Release
from app.sealed.objects import present_objects
from app.security.actor import Actor


def _seen_by(actor: Actor) -> Select[Release]:
    """Return the releases that an actor may see as far as its party decides; its projects come on top."""
    query = select(Release)
    return query.where(Release.agency == actor.party) if actor.role == "agency" else query


def find_release(
    session: Session, actor: Actor, release: str, *, lock: bool = False
) -> Release | None:
    """Return a release that the actor may see, or None; `lock` locks its row until the transaction ends."""
    query = _seen_by(actor).where(Release.id == release)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)


def releases_of_project(
    session: Session, actor: Actor, project: str, window: Window
) -> Sequence[Release]:
    """Return a piece of the project's releases that the actor may see, newest first."""
    query = _seen_by(actor).where(Release.project == project)
    # The log's order is the order in which they were made; times have whole seconds only.
    return look_through(session, query, Release.entry, Release.id, window)


def releases_of_run(session: Session, actor: Actor, run: str) -> Sequence[Release]:
    """Return a run's releases that the actor may see, in the order in which they were logged."""
    return session.scalars(_seen_by(actor).where(Release.run == run).order_by(Release.entry)).all()


def find_sealed_for(session: Session, run: str, recipient: str) -> Release | None:
    """Return a release of a run that was sealed to this party for an agency to fetch; None: there is none."""
    query = select(Release).where(
        Release.run == run, Release.recipient == recipient, Release.mode == "blind"
    )
    return session.scalar(query.order_by(Release.entry).limit(1))


def live_of_project(
    session: Session, project: str, *, party: str | None = None, runs: Collection[str] | None = None
) -> Sequence[Release]:
    """Return, locked, the project's releases that are not destroyed, for the broker itself."""
    query = select(Release).where(Release.project == project, Release.destroyed.is_(None))
    if runs is not None:
        meant = Release.run.in_(runs)
        query = query.where(meant if party is None else meant | (Release.agency == party))
    query = query.order_by(Release.id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def fetched_parties(session: Session, project: str, among: Collection[str] | None) -> set[str]:
    """Return the parties that have matches of a project: who fetched them, and whom they are sealed to.

    `among` are the releases that are meant; None: all.
    """
    query = select(Release.agency, Release.recipient).where(
        Release.project == project, Release.fetched.is_not(None)
    )
    if among is not None:
        query = query.where(Release.id.in_(among))
    return {party for row in session.execute(query.distinct()) for party in row}


def released_runs() -> Select[str]:
    """Return the query of the runs of which a release is there."""
    return select(Release.run).where(Release.destroyed.is_(None), Release.id.in_(present_objects()))


def present_of_project(session: Session, actor: Actor, project: str) -> Sequence[Release]:
    """Return those of the project's releases that the actor may see and of which something may be left."""
    key = ("present_release", actor.role, actor.party)
    return scalars_of_project(
        session,
        project,
        Release.project,
        lambda: _seen_by(actor).where(Release.id.in_(present_objects())).order_by(Release.id),
        key,
    )
