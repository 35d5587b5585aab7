"""Enrolling parties, issuing and revoking their tokens, and telling who holds one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from app.agencies import repository
from app.agencies.duties import duties_of, role_of
from app.agencies.errors import (
    PartyExistsError,
    SessionCodeError,
    UnknownPartyError,
    UnknownTokenError,
)
from app.agencies.models import PageSession, Party, Person, SessionCode, Token
from app.clock import utc_text
from app.db import insert_rows
from app.ids import new_id
from app.matchlog.draft import EntryDraft, entry_actor
from app.security.actor import Actor
from app.security.errors import NotAuthenticatedError
from app.security.tokens import digest_of, is_token, new_token
from schemas.api import Role, SessionLink
from schemas.ids import PERSON_PREFIX, REQUEST_PREFIX
from schemas.matchlog.kinds import PartyEnrolled, RoleChanged

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agencies.repository import TokenHolder
    from app.matchlog.service import MatchLog
    from schemas.identity import Duty

# No secret: the three letters before a token's id.
TOKEN_ID_PREFIX: Final = "tok"  # noqa: S105
# The label of the person as whom commands on the broker's own machine act.
COMMAND_LINE: Final = "command line"
# The label of the person that the operator is on the pages.
PAGE_LINK: Final = "page link"
CODE_LIFETIME: Final = timedelta(seconds=60)
SESSION_LIFETIME: Final = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token: shown once, to whoever will hold it, and kept nowhere."""

    token_id: str
    person: str
    expires: str | None
    secret: str

    def __repr__(self) -> str:
        """Name the token by its id only."""
        return f"IssuedToken({self.token_id})"


def enrol_party(
    session: Session,
    log: MatchLog,
    *,
    name: str,
    title: str,
    role: Role,
    actor: Actor,
    now: datetime,
) -> None:
    """Enrol a party and log it; `title` is its name for people, `role` what it mainly does here.

    Raises:
        PartyExistsError: there is one of this name.
    """
    if repository.find_party(session, name) is not None:
        raise PartyExistsError("There is a party of this name already.")
    insert_rows(session, Party(name=name, title=title, created=utc_text(now)))
    body = PartyEnrolled(party=name, role=role, fingerprint=None)
    log.append(session, [_draft(body, actor)])


def enrol_operator(
    session: Session, log: MatchLog, *, name: str, title: str, now: datetime
) -> Actor:
    """Enrol the party that runs the broker, with the person that its own commands act as.

    Nobody is there yet to do it, so the log names the broker's software.
    """
    time = utc_text(now)
    person = Person(id=new_id(PERSON_PREFIX), party=name, label=COMMAND_LINE, created=time)
    insert_rows(session, Party(name=name, title=title, created=time))
    insert_rows(session, person)
    enrolled = PartyEnrolled(party=name, role="operator", fingerprint=None)
    granted = RoleChanged(party=name, person=person.id, role="operator", change="granted")
    log.append(session, [EntryDraft(enrolled), EntryDraft(granted)])
    return _operator(person, now)


def operator_actor(session: Session, name: str, now: datetime) -> Actor:
    """Return whom the operator's own commands on this machine act as.

    Raises:
        UnknownPartyError: no such party, or it is not the operator's.
    """
    person = repository.find_person(session, name, COMMAND_LINE)
    if person is None:
        raise UnknownPartyError("The party that the settings name as operator is not enrolled.")
    return _operator(person, now)


def list_parties(session: Session) -> Sequence[Party]:
    """Return all parties by name."""
    return repository.list_parties(session)


def party_titles(session: Session) -> dict[str, str]:
    """Return the name for people of every party, by its short name."""
    return {party.name: party.title for party in repository.list_parties(session)}


def unknown_parties(session: Session, names: Sequence[str]) -> list[str]:
    """Return those of the names that are not enrolled, in order."""
    return sorted(set(names) - repository.known_parties(session, names))


def issue_token(
    session: Session,
    log: MatchLog,
    *,
    party: str,
    label: str,
    role: Role,
    lifetime: timedelta | None,
    actor: Actor,
    now: datetime,
) -> IssuedToken:
    """Issue a token to a new person of a party, and log the role that it gives.

    Args:
        label: who will hold it, for the operator alone; the log knows the person by id.
        lifetime: how long it holds; None has no end.
    Raises:
        UnknownPartyError: no such party.
    """
    if repository.find_party(session, party) is None:
        raise UnknownPartyError("There is no party of this name.")
    person = Person(id=new_id(PERSON_PREFIX), party=party, label=label, created=utc_text(now))
    secret = new_token()
    token = Token(
        id=new_id(TOKEN_ID_PREFIX),
        digest=digest_of(secret),
        person=person.id,
        role=role,
        created=utc_text(now),
        expires=None if lifetime is None else utc_text(now + lifetime),
    )
    insert_rows(session, person)
    insert_rows(session, token)
    body = RoleChanged(party=party, person=person.id, role=role, change="granted")
    log.append(session, [_draft(body, actor)])
    return IssuedToken(token.id, person.id, token.expires, secret)


def revoke_token(
    session: Session, log: MatchLog, *, token_id: str, actor: Actor, now: datetime
) -> None:
    """Revoke a token, effective on the next request, and log it; a second time changes nothing.

    Raises:
        UnknownTokenError: none of this id was issued; a person's short ones end with the person.
    """
    token = repository.find_token(session, token_id)
    person = None if token is None else repository.find_person_by_id(session, token.person)
    if token is None or person is None or person.identity is not None:
        raise UnknownTokenError("There is no token of this id.")
    if token.revoked is not None:
        return
    token.revoked = utc_text(now)
    body = RoleChanged(party=person.party, person=person.id, role=token.role, change="revoked")
    log.append(session, [_draft(body, actor)])


def list_tokens(session: Session, party: str) -> Sequence[Token]:
    """Return the tokens that the operator issued to a party, oldest first, those that ended among them."""
    return repository.list_tokens(session, party)


@dataclass(frozen=True, slots=True)
class PersonAccess:
    """What one person of a party may act as, since when, until when; the credential is not in it.

    `until` is when it ends or was revoked; None: it has no end. `is_valid` says whether it holds now. Whoever
    only holds a token that the operator issued has no `duties`.
    """

    party: str
    person: str
    role: str
    since: str
    until: str | None
    is_valid: bool
    duties: tuple[Duty, ...] = ()


def persons_of(session: Session, parties: Sequence[str], now: datetime) -> list[PersonAccess]:
    """Return who of these parties can or could act, by party, then since when."""
    found = [
        access
        for party in sorted(parties)
        for access in (
            *_by_token(repository.list_tokens(session, party), party, utc_text(now)),
            *_by_keys(repository.list_persons(session, party)),
        )
    ]
    return sorted(found, key=lambda access: (access.party, access.since, access.person))


def actor_of_token(session: Session, token: str, request_id: str, now: datetime) -> Actor:
    """Return who holds a token.

    Raises:
        NotAuthenticatedError: unknown, expired or revoked; all three answer alike.
    """
    found = None
    if is_token(token):
        found = repository.holder_by_token(session, digest_of(token), utc_text(now))
    return actor_of_holder(found, request_id, now)


def actor_of_holder(found: TokenHolder | None, request_id: str, now: datetime) -> Actor:
    """Return the actor that a valid token makes of its holder.

    Raises:
        NotAuthenticatedError: there is none.
    """
    if found is None:
        raise NotAuthenticatedError("A valid token is needed.")
    return Actor(
        party=found.person.party,
        person=found.person.id,
        role=found.token.role,  # type: ignore[arg-type]  # only this package writes it
        token_id=found.token.id,
        request_id=request_id,
        day=utc_text(now)[:10],
        duties=duties_of(found.person),
    )


def actor_of_session(
    session: Session,
    cookie: str,
    request_id: str,
    now: datetime,
    *,
    takes_issued_tokens: bool,
) -> Actor:
    """Return whose page session a cookie is.

    Args:
        takes_issued_tokens: whether sessions count that came from tokens which the operator issued to somebody
            without keys; one of `blindlink-broker page-link` always does.
    Raises:
        NotAuthenticatedError: unknown or ended, or the token that it came from is not valid any more.
    """
    found = repository.holder_by_session(session, digest_of(cookie), utc_text(now))
    if found is not None and found.person.identity is None and not takes_issued_tokens:
        found = found if _is_page_link(found) else None
    return actor_of_holder(found, request_id, now)


def token_expiry(session: Session, actor: Actor) -> str | None:
    """Return when the actor's token ends; None: never."""
    token = repository.find_token(session, actor.token_id)
    return None if token is None else token.expires


def new_session_link(session: Session, actor: Actor, now: datetime) -> SessionLink:
    """Make a one-time code that opens a page session for the actor, within 60 s."""
    repository.sweep_sessions(session, utc_text(now))
    code = secrets.token_urlsafe(32)
    expires = utc_text(now + CODE_LIFETIME)
    insert_rows(session, SessionCode(digest=digest_of(code), token=actor.token_id, expires=expires))
    return SessionLink(code=code, expires=expires)


def open_session(session: Session, code: str, now: datetime) -> str:
    """Take a one-time code and return the cookie of a new page session.

    Raises:
        SessionCodeError: the code is unknown, used or too old.
    """
    token_id = repository.take_code(session, digest_of(code), utc_text(now))
    if token_id is None:
        raise SessionCodeError("This link has expired; ask for a new one.")
    cookie = secrets.token_urlsafe(32)
    expires = utc_text(now + SESSION_LIFETIME)
    insert_rows(session, PageSession(digest=digest_of(cookie), token=token_id, expires=expires))
    return cookie


def close_session(session: Session, cookie: str) -> None:
    """End a page session, if there is one."""
    repository.end_session(session, digest_of(cookie))


def _is_page_link(found: TokenHolder) -> bool:
    # Such a token is never shown: whoever has its session had the state folder.
    return (found.token.role, found.person.label) == ("operator", PAGE_LINK)


def _operator(person: Person, now: datetime) -> Actor:
    return Actor(
        party=person.party,
        person=person.id,
        role="operator",
        token_id=COMMAND_LINE,
        request_id=new_id(REQUEST_PREFIX),
        day=utc_text(now)[:10],
    )


def _draft(body: PartyEnrolled | RoleChanged, actor: Actor) -> EntryDraft:
    return EntryDraft(body, entry_actor(actor), request=actor.request_id)


def _by_token(tokens: Sequence[Token], party: str, time: str) -> Iterator[PersonAccess]:
    for token in tokens:
        yield PersonAccess(
            party=party,
            person=token.person,
            role=token.role,
            since=token.created,
            until=token.revoked or token.expires,
            is_valid=token.revoked is None and (token.expires is None or token.expires > time),
        )


def _by_keys(persons: Sequence[Person]) -> Iterator[PersonAccess]:
    for person in persons:
        if person.confirmed is not None:
            yield PersonAccess(
                party=person.party,
                person=person.id,
                role=role_of(duties_of(person)),
                since=person.confirmed,
                until=person.revoked,
                is_valid=person.revoked is None,
                duties=duties_of(person),
            )
