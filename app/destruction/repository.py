"""All queries of destructions. Who may see one is decided by its project."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.db import Window, look_through, scalars_of_project
from app.destruction.models import (
    Destruction,
    DestructionObject,
    DestructionSignature,
    DestructionStatement,
)


def get_destruction(
    session: Session, certificate: str, *, lock: bool = False
) -> Destruction | None:
    """Return a destruction, or None; callers ask its project whether the actor may see it."""
    return session.get(
        Destruction, certificate, populate_existing=True, with_for_update=lock or None
    )


def destructions_of(session: Session, project: str, window: Window) -> Sequence[Destruction]:
    """Return a piece of a project's destructions, newest first."""
    query = select(Destruction).where(Destruction.project == project)
    return look_through(session, query, Destruction.asked, Destruction.id, window)


def newest_of(
    session: Session, project: str, scope: str, subject: str | None, *, is_open: bool
) -> Destruction | None:
    """Return the newest destruction of this scope that is under way, or that is certified; or None."""
    query = select(Destruction).where(Destruction.project == project, Destruction.scope == scope)
    query = query.where(
        Destruction.subject.is_(None) if subject is None else Destruction.subject == subject,
        Destruction.sha256.is_(None) if is_open else Destruction.sha256.is_not(None),
    )
    order = (Destruction.asked.desc(), Destruction.id)
    return session.scalar(query.order_by(*order).limit(1))


def uncertified(session: Session) -> Sequence[Row[str, str]]:
    """Return project and id of all destructions that are under way, the oldest first."""
    query = select(Destruction.project, Destruction.id).where(Destruction.sha256.is_(None))
    return session.execute(query.order_by(Destruction.asked, Destruction.id)).all()


def begun_of(session: Session, project: str) -> Sequence[Destruction]:
    """Return a project's destructions that are under way, the oldest first."""
    return scalars_of_project(
        session,
        project,
        Destruction.project,
        lambda: (
            select(Destruction)
            .where(Destruction.sha256.is_(None))
            .order_by(Destruction.asked, Destruction.id)
        ),
        "begun_of",
    )


def certified_of(session: Session, project: str, *, but: str) -> Sequence[Destruction]:
    """Return a project's certified destructions of all scopes but one, the oldest first."""
    return scalars_of_project(
        session,
        project,
        Destruction.project,
        lambda: (
            select(Destruction)
            .where(Destruction.sha256.is_not(None), Destruction.scope != but)
            .order_by(Destruction.asked, Destruction.id)
        ),
        ("certified_of", but),
    )


def objects_of(session: Session, certificate: str) -> Sequence[DestructionObject]:
    """Return the objects of a destruction by id."""
    query = select(DestructionObject).where(DestructionObject.destruction == certificate)
    return session.scalars(query.order_by(DestructionObject.object)).all()


def signatures_of(session: Session, certificate: str) -> Sequence[DestructionSignature]:
    """Return the counter-signatures under a certificate, by party."""
    query = select(DestructionSignature).where(DestructionSignature.destruction == certificate)
    return session.scalars(query.order_by(DestructionSignature.party)).all()


def find_signature(session: Session, certificate: str, party: str) -> DestructionSignature | None:
    """Return a party's counter-signature under a certificate, or None."""
    return session.get(DestructionSignature, (certificate, party))


def statements_since(
    session: Session, project: str, since: str, each: int
) -> Sequence[DestructionStatement]:
    """Return what parties have stated of a project from a time on, the oldest first.

    Of each party its newest ones, at most so many, so that nobody who says much drowns out the others.
    """
    row = DestructionStatement
    meant = (row.project == project, row.at >= since)
    found: list[DestructionStatement] = []
    for party in session.scalars(select(row.party).where(*meant).distinct()):
        newest = select(row).where(*meant, row.party == party).order_by(row.at.desc(), row.sha256)
        found.extend(session.scalars(newest.limit(each)))
    return sorted(found, key=lambda one: (one.at, one.sha256))


def find_statement(session: Session, sha256: str) -> DestructionStatement | None:
    """Return the statement of this digest, or None."""
    return session.get(DestructionStatement, sha256)
