"""Queries on parties, tokens and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.orm import Session

from app.agencies.models import PageSession, Party, Person, SessionCode, Token


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """A valid token with whom it stands for."""

    token: Token
    party: str


def find_party(session: Session, name: str) -> Party | None:
    """Return a party, or None."""
    return session.get(Party, name)


def list_parties(session: Session) -> Sequence[Party]:
    """Return all parties by name."""
    return session.scalars(select(Party).order_by(Party.name)).all()


def find_person(session: Session, party: str, label: str) -> Person | None:
    """Return a party's first person with this label, or None."""
    query = select(Person).where(Person.party == party, Person.label == label)
    return session.scalars(query.order_by(Person.created, Person.id).limit(1)).one_or_none()


def known_parties(session: Session, names: Sequence[str]) -> set[str]:
    """Return those of the names that are enrolled."""
    return set(session.scalars(select(Party.name).where(Party.name.in_(names))))


def list_tokens(session: Session, party: str) -> Sequence[Token]:
    """Return a party's tokens, oldest first, the revoked and expired ones among them."""
    query = select(Token).join(Person, Person.id == Token.person).where(Person.party == party)
    return session.scalars(query.order_by(Token.created, Token.id)).all()


def holder_by_token(session: Session, digest: str, now: str) -> TokenHolder | None:
    """Return the holder of the token with this digest, or None where it is not valid now."""
    return _first_holder(session, _valid_tokens(now).where(Token.digest == digest))


def holder_by_session(session: Session, digest: str, now: str) -> TokenHolder | None:
    """Return the holder whose page session has this digest, or None where it or its token is not valid."""
    query = _valid_tokens(now).join(PageSession, PageSession.token == Token.id)
    return _first_holder(
        session, query.where(PageSession.digest == digest, PageSession.expires > now)
    )


def take_code(session: Session, digest: str, now: str) -> str | None:
    """Remove a one-time code and return its token's id, or None where it is unknown or too old.

    One statement, so that of two who try at once only one succeeds.
    """
    query = delete(SessionCode).where(SessionCode.digest == digest).returning(SessionCode)
    taken = session.execute(query).scalar_one_or_none()
    return taken.token if taken is not None and taken.expires > now else None


def end_session(session: Session, digest: str) -> None:
    """Remove a page session, if there is one."""
    session.execute(delete(PageSession).where(PageSession.digest == digest))


def sweep_sessions(session: Session, now: str) -> None:
    """Remove codes and page sessions that are too old."""
    session.execute(delete(SessionCode).where(SessionCode.expires <= now))
    session.execute(delete(PageSession).where(PageSession.expires <= now))


def _valid_tokens(now: str) -> Select[Token, str]:
    return (
        select(Token, Person.party)
        .join(Person, Person.id == Token.person)
        .where(Token.revoked.is_(None), or_(Token.expires.is_(None), Token.expires > now))
    )


def _first_holder(session: Session, query: Select[Token, str]) -> TokenHolder | None:
    row = session.execute(query).one_or_none()
    return None if row is None else TokenHolder(token=row[0], party=row[1])
