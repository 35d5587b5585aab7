"""Enrolling parties, opening sessions of the pages, and telling who holds a token or a session."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agencies import repository
from app.agencies.duties import duties_of, parse_duties, role_of
from app.agencies.models import PageSession, Party, Person, SessionCode, Token
from app.agencies.repository import TokenHolder
from app.clock import Clock, utc_text
from app.db import insert_rows
from app.errors import (
    PARTY_EXISTS,
    SESSION_CODE,
    UNKNOWN_PARTY,
    NotAuthenticatedError,
    RefusedError,
)
from app.ids import new_id
from app.matchlog.draft import EntryDraft, entry_actor
from app.matchlog.service import MatchLog
from app.security.actor import Actor
from app.security.tokens import digest_of, new_token, open_under
from schemas.api.bodies import SessionLink
from schemas.documents.ids import BROKER, PERSON_PREFIX, REQUEST_PREFIX
from schemas.matchlog.person_kinds import PartyEnrolled, RoleChanged
from schemas.signing.identity import Duty, Role

# No secret: the three letters before a token's id.
TOKEN_ID_PREFIX: Final = "tok"  # noqa: S105
# The label of the person as whom commands on the broker's own machine act.
COMMAND_LINE: Final = "command line"
# The label of the person that the operator is on the pages.
PAGE_LINK: Final = "page link"
CODE_LIFETIME: Final = timedelta(seconds=60)
SESSION_LIFETIME: Final = timedelta(hours=8)


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
    """Enrol a party and log it; `title` is its name for people, `role` what it mainly does here."""
    if name == BROKER:
        raise RefusedError(PARTY_EXISTS, "This name is the broker's own.")
    if repository.find_party(session, name) is not None:
        raise RefusedError(PARTY_EXISTS, "A party of this name already exists.")
    insert_rows(session, Party(name=name, title=title, created=utc_text(now)))
    body = PartyEnrolled(party=name, role=role, fingerprint=None)
    log.append(session, [_draft(body, actor)])


def enrol_operator(
    session: Session, log: MatchLog, *, name: str, title: str, clock: Clock
) -> Actor:
    """Enrol the party that runs the broker, with the person that its own commands act as.

    Nobody is there yet to do it, so the log names the broker's software.
    """
    time = utc_text(clock())
    person = Person(id=new_id(PERSON_PREFIX), party=name, label=COMMAND_LINE, created=time)
    insert_rows(session, Party(name=name, title=title, created=time))
    insert_rows(session, person)
    enrolled = PartyEnrolled(party=name, role="operator", fingerprint=None)
    granted = RoleChanged(party=name, person=person.id, role="operator", change="granted")
    log.append(session, [EntryDraft(enrolled), EntryDraft(granted)])
    return _operator(person, clock)


def operator_actor(session: Session, name: str, clock: Clock) -> Actor:
    """Return whom the operator's own commands on this machine act as."""
    person = repository.find_person(session, name, COMMAND_LINE)
    if person is None:
        raise RefusedError(
            UNKNOWN_PARTY, "The party that the settings name as operator is not enrolled."
        )
    return _operator(person, clock)


def list_parties(session: Session) -> Sequence[Party]:
    """Return all parties by name."""
    return repository.list_parties(session)


def party_titles(session: Session) -> dict[str, str]:
    """Return the name for people of every party, by its short name."""
    return {party.name: party.title for party in repository.list_parties(session)}


def unknown_parties(session: Session, names: Sequence[str]) -> list[str]:
    """Return those of the names that are not enrolled, in order."""
    return sorted(set(names) - repository.known_parties(session, names))


@dataclass(frozen=True, slots=True)
class PersonAccess:
    """What one person of a party may act as, since when, until when; the credential is not in it.

    `until` is when it ends or was revoked; None: it has no end. `is_valid` says whether it holds now. Who the
    operator is on the pages by `page-link` has no `duties`.
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
            *_by_page_link(repository.page_link_tokens(session, party), party, utc_text(now)),
            *_by_keys(repository.list_persons(session, party)),
        )
    ]
    return sorted(found, key=lambda access: (access.party, access.since, access.person))


def actor_of_holder(found: TokenHolder | None, request_id: str, clock: Clock) -> Actor:
    """Return the actor that a valid token makes of its holder."""
    if found is None:
        raise NotAuthenticatedError("A valid token is needed.")
    return Actor(
        party=found.person.party,
        person=found.person.id,
        role=found.token.role,  # type: ignore[arg-type]  # only this package writes it
        token_id=found.token.id,
        request_id=request_id,
        duties=duties_of(found.person) if found.duties is None else parse_duties(found.duties),
        clock=clock,
    )


def actor_now(session: Session, actor: Actor) -> Actor:
    """Return the actor of an earlier request with the duties that they have now; none once they are revoked."""
    person = repository.require_person(session, actor.person)
    return replace(actor, duties=duties_of(person) if person.revoked is None else ())


def actor_of_session(
    session: Session, cookie: str, request_id: str, *, now: datetime, clock: Clock
) -> Actor:
    """Return whose page session a cookie is; `clock` is the broker's, for the actor.

    Raises:
        NotAuthenticatedError: unknown or ended, or the token that it came from or its person was revoked.
    """
    found = repository.holder_by_session(session, digest_of(cookie), utc_text(now))
    return actor_of_holder(found, request_id, clock)


def token_expiry(session: Session, actor: Actor) -> str:
    """Return when the actor's token ends."""
    return repository.require_token(session, actor.token_id).expires


def new_session_link(session: Session, actor: Actor, now: datetime) -> SessionLink:
    """Make a one-time code that opens a page session for the actor, within 60 s."""
    repository.sweep_sessions(session, utc_text(now))
    code = secrets.token_urlsafe(32)
    expires = utc_text(now + CODE_LIFETIME)
    insert_rows(session, SessionCode(digest=digest_of(code), token=actor.token_id, expires=expires))
    return SessionLink(code=code, expires=expires)


def new_operator_link(
    session: Session, log: MatchLog, *, operator: Actor, now: datetime
) -> SessionLink:
    """Make a one-time code that opens a page session for the operator, and log that it was granted.

    The session is a new person's, so that what is done on the pages is told from what commands do.
    """
    person = Person(
        id=new_id(PERSON_PREFIX), party=operator.party, label=PAGE_LINK, created=utc_text(now)
    )
    token = Token(
        id=new_id(TOKEN_ID_PREFIX),
        # Of a secret that nobody is told: the session is all that it is for.
        digest=digest_of(new_token()),
        person=person.id,
        role="operator",
        created=utc_text(now),
        expires=utc_text(now + SESSION_LIFETIME),
    )
    insert_rows(session, person)
    insert_rows(session, token)
    body = RoleChanged(party=person.party, person=person.id, role="operator", change="granted")
    log.append(session, [_draft(body, operator)])
    return new_session_link(session, replace(operator, person=person.id, token_id=token.id), now)


def open_session(session: Session, code: str, now: datetime) -> str:
    """Take a one-time code and return the cookie of a new page session."""
    token_id = repository.spend_code(session, digest_of(code), utc_text(now))
    if token_id is None:
        raise RefusedError(SESSION_CODE, "This link has expired; ask for a new one.")
    cookie = secrets.token_urlsafe(32)
    expires = utc_text(now + SESSION_LIFETIME)
    token = repository.require_token(session, token_id)
    if token.thumbprint is None:
        # Anyone who came by a token that needs no key reads for as long as it lasts, and no longer.
        expires = min(expires, token.expires)
    insert_rows(session, PageSession(digest=digest_of(cookie), token=token_id, expires=expires))
    return cookie


def close_session(session: Session, cookie: str) -> str | None:
    """End a page session, if there is one.

    Returns the ID token that ends it at the provider of a single sign-on, too; None where keys were the way in.
    """
    ended = repository.end_session(session, digest_of(cookie))
    if ended is None or ended.id_token is None:
        return None
    return open_under(cookie, ended.id_token)


def _operator(person: Person, clock: Clock) -> Actor:
    return Actor(
        party=person.party,
        person=person.id,
        role="operator",
        token_id=COMMAND_LINE,
        request_id=new_id(REQUEST_PREFIX),
        clock=clock,
    )


def _draft(body: PartyEnrolled | RoleChanged, actor: Actor) -> EntryDraft:
    return EntryDraft(body, entry_actor(actor), request=actor.request_id)


def _by_page_link(tokens: Sequence[Token], party: str, time: str) -> Iterator[PersonAccess]:
    for token in tokens:
        yield PersonAccess(
            party=party,
            person=token.person,
            role=token.role,
            since=token.created,
            until=token.expires,
            is_valid=token.expires > time,
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
