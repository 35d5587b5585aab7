"""Queries on parties, persons, tokens and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, exists, select, update
from sqlalchemy.orm import Session

from app.agencies.models import (
    Invitation,
    PageSession,
    Party,
    Person,
    RefusedSignIns,
    SeenOnce,
    SessionCode,
    SignOn,
    Token,
)
from app.db import insert_if_alone

# Asked at nearly every request, so made once.
_SEEN: Final = select(SeenOnce.digest).where(SeenOnce.digest == bindparam("digest"))
_STANDING_TOKENS: Final = (
    select(Token, Person)
    .join(Person, Person.id == Token.person)
    .where(Token.revoked.is_(None), Person.revoked.is_(None))
)
_HOLDER_BY_TOKEN: Final = _STANDING_TOKENS.where(
    Token.digest == bindparam("digest"), Token.expires > bindparam("now")
)


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """A valid token with whom it stands for; `duties` are those that a session leaves them, None: all."""

    token: Token
    person: Person
    duties: str | None = None


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


def lock_person(session: Session, person: str) -> Person | None:
    """Return a person whose keys and state stay as they are until this transaction ends, or None.

    To be asked before any other row is changed: anyone who changes a person goes on to that person's tokens.
    """
    return session.get(Person, person, with_for_update={"read": True})


def list_persons(session: Session, party: str | None) -> Sequence[Person]:
    """Return the persons who enrolled with keys, of one party or of all (None), by party, then oldest first."""
    query = select(Person).where(Person.identity.is_not(None))
    if party is not None:
        query = query.where(Person.party == party)
    return session.scalars(query.order_by(Person.party, Person.created, Person.id)).all()


def require_person(session: Session, person: str, *, lock: bool = False) -> Person:
    """Return a person whose row is known to be there, such as anyone who has signed in.

    With `lock` nobody else changes it until this transaction ends.
    """
    return session.get_one(Person, person, with_for_update=lock)


def find_person_by_id(session: Session, person: str) -> Person | None:
    """Return a person, or None."""
    return session.get(Person, person)


def person_to_change(session: Session, person: str) -> Person | None:
    """Return a person whom nobody else changes until this transaction ends, or None."""
    return session.get(Person, person, with_for_update=True)


def active_persons(
    session: Session, parties: Sequence[str], *, former: bool = False
) -> Sequence[Person]:
    """Return the persons of these parties who may act with their keys, by party, then id.

    `former`: those, too, who could once and were revoked.
    """
    query = select(Person).where(Person.party.in_(parties), Person.confirmed.is_not(None))
    if not former:
        query = query.where(Person.revoked.is_(None))
    return session.scalars(query.order_by(Person.party, Person.id)).all()


def open_invitations(session: Session, party: str | None, now: str) -> Sequence[Invitation]:
    """Return the invitations that can still be used, by party, then oldest first."""
    query = select(Invitation).where(Invitation.person.is_(None), Invitation.expires > now)
    if party is not None:
        query = query.where(Invitation.party == party)
    return session.scalars(query.order_by(Invitation.party, Invitation.created)).all()


def spend_invitation(session: Session, digest: str, person: str, now: str) -> Invitation | None:
    """Use up an invitation for a person, or return None where it is unknown, used or too old.

    One statement, so that of two who try at once only one succeeds.
    """
    query = (
        update(Invitation)
        .where(Invitation.digest == digest, Invitation.person.is_(None), Invitation.expires > now)
        .values(person=person)
        .returning(Invitation)
    )
    return session.execute(query).scalar_one_or_none()


def find_invitation(session: Session, digest: str) -> Invitation | None:
    """Return an invitation, used or not, or None."""
    return session.get(Invitation, digest)


def require_token(session: Session, token: str) -> Token:
    """Return a token of which a row is known to be there, such as that of the person who has signed in."""
    return session.get_one(Token, token)


def is_revoked(session: Session, token: str) -> bool:
    """Tell whether a token of which a row is known to be there is revoked, as it stands now."""
    return session.scalar(select(Token.revoked).where(Token.id == token)) is not None


def was_seen(session: Session, digest: str) -> bool:
    """Tell whether what has this digest was used before."""
    return session.execute(_SEEN, {"digest": digest}).first() is not None


def remember_seen(session: Session, digest: str, expires: str) -> bool:
    """Remember that what has this digest was used, or return False where it was used before."""
    return insert_if_alone(session, SeenOnce, digest=digest, expires=expires)


def revoke_tokens(session: Session, person: str, now: str) -> None:
    """Revoke all tokens of a person that still hold."""
    query = update(Token).where(Token.person == person, Token.revoked.is_(None))
    session.execute(query.values(revoked=now))


def known_parties(session: Session, names: Sequence[str]) -> set[str]:
    """Return those of the names that are enrolled."""
    return set(session.scalars(select(Party.name).where(Party.name.in_(names))))


def page_link_tokens(session: Session, party: str) -> Sequence[Token]:
    """Return the tokens of a party's page links, oldest first, those that ended among them."""
    query = (
        select(Token)
        .join(Person, Person.id == Token.person)
        .where(Person.party == party, Person.identity.is_(None))
    )
    return session.scalars(query.order_by(Token.created, Token.id)).all()


def holder_by_token(session: Session, digest: str, now: str) -> TokenHolder | None:
    """Return the holder of the token with this digest, or None where it is not valid now."""
    row = session.execute(_HOLDER_BY_TOKEN, {"digest": digest, "now": now}).one_or_none()
    return None if row is None else TokenHolder(token=row[0], person=row[1])


def holder_by_session(session: Session, digest: str, now: str) -> TokenHolder | None:
    """Return the holder whose page session has this digest, or None where it is not valid now.

    The token was only the way in: the session has its own end.
    """
    query = _STANDING_TOKENS.join(PageSession, PageSession.token == Token.id)
    query = query.where(PageSession.digest == digest, PageSession.expires > now)
    row = session.execute(query.add_columns(PageSession.duties)).one_or_none()
    return None if row is None else TokenHolder(token=row[0], person=row[1], duties=row[2])


def spend_code(session: Session, digest: str, now: str) -> str | None:
    """Remove a one-time code and return its token's id, or None where it is unknown or too old.

    One statement, so that of two who try at once only one succeeds.
    """
    query = delete(SessionCode).where(SessionCode.digest == digest).returning(SessionCode)
    taken = session.execute(query).scalar_one_or_none()
    return taken.token if taken is not None and taken.expires > now else None


def find_code(session: Session, digest: str) -> str | None:
    """Return the token's id of a one-time code, which stays; None where it is unknown."""
    return session.scalar(select(SessionCode.token).where(SessionCode.digest == digest))


def end_session(session: Session, digest: str) -> PageSession | None:
    """Remove a page session and return it, or None where there is none."""
    query = delete(PageSession).where(PageSession.digest == digest).returning(PageSession)
    return session.execute(query).scalar_one_or_none()


def end_signed_on(session: Session, subject: str | None, provider_session: str | None) -> int:
    """Remove the page sessions of a sign-on, those of one session at the provider alone if one is named.

    Returns how many there were; one of both arguments is not None.
    """
    query = delete(PageSession)
    is_named = PageSession.provider_session == provider_session
    if subject is not None:
        query = query.where(PageSession.subject == subject)
        # One whose ID token named no session at the provider may be of this one.
        is_named = is_named | PageSession.provider_session.is_(None)
    if provider_session is not None:
        query = query.where(is_named)
    return len(session.execute(query.returning(PageSession.digest)).all())


def person_signed_on(session: Session, subject: str) -> str | None:
    """Return whose keys have linked someone at the provider with them, or None."""
    return session.scalar(select(SignOn.person).where(SignOn.subject == subject))


def list_sign_ons(session: Session) -> Sequence[SignOn]:
    """Return all links of persons with someone at the provider."""
    return session.scalars(select(SignOn)).all()


def pop_sign_on(session: Session, person: str) -> SignOn | None:
    """Remove and return a person's link with someone at the provider, or None where there is none."""
    query = delete(SignOn).where(SignOn.person == person).returning(SignOn)
    return session.execute(query).scalar_one_or_none()


def sweep_sessions(session: Session, now: str) -> None:
    """Remove codes and page sessions that are too old."""
    session.execute(delete(SessionCode).where(SessionCode.expires <= now))
    session.execute(delete(PageSession).where(PageSession.expires <= now))


def sweep_sign_ins(session: Session, now: str) -> None:
    """Remove what was seen and need not be remembered, and tokens of persons with keys that have ended.

    A token stays as long as a page session stands on it.
    """
    session.execute(delete(SeenOnce).where(SeenOnce.expires <= now))
    with_keys = select(Person.id).where(Person.identity.is_not(None))
    session.execute(
        delete(Token).where(
            Token.expires <= now,
            Token.person.in_(with_keys),
            ~exists().where(PageSession.token == Token.id),
            ~exists().where(SessionCode.token == Token.id),
        )
    )


def count_refusal(session: Session, party: str, hour: str) -> bool:
    """Add one to a count of refused sign-ins, or return False where there is none yet."""
    query = (
        update(RefusedSignIns)
        .where(RefusedSignIns.party == party, RefusedSignIns.hour == hour)
        .values(count=RefusedSignIns.count + 1)
        .returning(RefusedSignIns.count)
    )
    return session.execute(query).scalar_one_or_none() is not None


def pop_refusals(session: Session, before_hour: str) -> Sequence[RefusedSignIns]:
    """Remove and return the counts of the hours before this one, by hour, then party.

    One statement, so that of two who sum up at once only one gets each.
    """
    query = delete(RefusedSignIns).where(RefusedSignIns.hour < before_hour)
    taken = session.execute(query.returning(RefusedSignIns)).scalars().all()
    return sorted(taken, key=lambda row: (row.hour, row.party))
