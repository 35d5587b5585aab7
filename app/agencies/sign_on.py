"""Single sign-on: whom a person's keys have linked with them at the provider, and sessions that stand on it.

The provider says who someone is there. Only the person's own keys say that this is they: no name, no mail
address and no group of the provider ever does. What the provider says of groups can take duties away for a
session, and never gives one.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agencies import repository
from app.agencies.duties import duties_of, duties_text, role_of
from app.agencies.models import PageSession, Person, SessionCode, SignOn, Token
from app.agencies.persons import sign_on_changed, state_of, unlinked
from app.agencies.service import CODE_LIFETIME, TOKEN_ID_PREFIX
from app.agencies.sign_in import charged_to, use_once
from app.clock import utc_text
from app.db import add_if_alone, insert_rows
from app.errors import SignInRefusedError
from app.ids import new_id
from app.matchlog.draft import EntryDraft
from app.matchlog.service import MatchLog
from app.security.actor import Actor
from app.security.tokens import digest_of, new_token, seal_under
from app.settings import Settings
from schemas.api.bodies import SessionLink
from schemas.documents.canonical import canonical_digest
from schemas.matchlog.entry import Actor as EntryActor
from schemas.signing.identity import Duty

# Who is shut out at the provider reads for so long at most, if it tells nobody.
SESSION_LIFETIME: Final = timedelta(hours=1)
_LINK_CODE: Final = "sign-on link "
_LINKING: Final = "sign-on under way "


@dataclass(frozen=True, slots=True)
class Arrival:
    """Someone whom the provider has signed on and whose ID token was checked.

    `subject_name` and `session` are the provider's own names, `groups` what it stated of them; by the secret of
    the flow their browser came back.
    """

    settings: Settings
    subject_name: str = field(repr=False)
    session: str | None = field(repr=False)
    groups: frozenset[str]
    id_token: str = field(repr=False)
    flow_secret: str = field(repr=False)
    flow_expires_s: int
    request_id: str
    now: datetime

    @property
    def subject(self) -> str:
        """The digest by which they are kept."""
        return canonical_digest(["subject", self.settings.sso_issuer, self.subject_name])


def new_link(session: Session, actor: Actor, now: datetime) -> SessionLink:
    """Make a one-time code under which the actor may link a sign-on with their keys, within 60 s."""
    repository.sweep_sessions(session, utc_text(now))
    code = secrets.token_urlsafe(32)
    expires = utc_text(now + CODE_LIFETIME)
    digest = digest_of(_LINK_CODE + code)
    insert_rows(session, SessionCode(digest=digest, token=actor.token_id, expires=expires))
    return SessionLink(code=code, expires=expires)


def begin_link(
    session: Session, code: str, flow_secret: str, expires_s: int, now: datetime
) -> None:
    """Take a one-time code: whom the provider signs on in this flow will be linked with its person.

    Raises:
        SignInRefusedError: the code is unknown, used or too old.
    """
    token = repository.spend_code(session, digest_of(_LINK_CODE + code), utc_text(now))
    if token is None:
        raise SignInRefusedError("link-code")
    expires = utc_text(datetime.fromtimestamp(expires_s, UTC))
    digest = digest_of(_LINKING + flow_secret)
    insert_rows(session, SessionCode(digest=digest, token=token, expires=expires))


def sign_on(session: Session, log: MatchLog, arrival: Arrival) -> tuple[str, str]:
    """Return the cookie of a new page session, and the person whose sign-on this is, or is being linked.

    Raises:
        SignInRefusedError: whatever is wrong, in the same words.
    """
    linking = digest_of(_LINKING + arrival.flow_secret)
    token_id = repository.find_code(session, linking)
    person = (
        _person_of(session, arrival.subject)
        if token_id is None
        else _person_of_token(session, token_id)
    )
    with charged_to(None if person is None else person.party):
        known = _active(person)
        duties = _duties_left(known, arrival)
        use_once(session, ("flow", arrival.flow_secret, ""), arrival.flow_expires_s)
        if token_id is not None:
            _link(session, log, known, arrival, linking)
    return _open_session(session, arrival, known, duties), known.id


def sign_off(
    session: Session,
    issuer: str,
    named: tuple[str | None, str | None],
    *,
    used: tuple[str, int],
    now: datetime,
) -> int:
    """End what the provider says has ended, and return how many page sessions that were.

    `named` is the subject and the session that it names, `used` the logout token's own id and its end.

    Raises:
        SignInRefusedError: the same was said before.
    """
    repository.sweep_sign_ins(session, utc_text(now))
    jti, expires_s = used
    use_once(session, ("logout", issuer, canonical_digest(jti)), expires_s)
    subject, provider_session = (
        _named(issuer, what, name) for what, name in zip(("subject", "session"), named, strict=True)
    )
    return repository.end_signed_on(session, subject, provider_session)


def _person_of(session: Session, subject: str) -> Person | None:
    person = repository.lock_person(session, repository.person_signed_on(session, subject) or "")
    # Once more, since it may have ended while we waited for the lock.
    if person is None or repository.person_signed_on(session, subject) != person.id:
        return None
    return person


def _person_of_token(session: Session, token_id: str) -> Person | None:
    holder = repository.require_token(session, token_id).person
    person = repository.person_to_change(session, holder)
    # Asked once nobody else changes the person: a change of keys revokes what the old ones got.
    return None if repository.is_revoked(session, token_id) else person


def _active(person: Person | None) -> Person:
    if person is None or person.identity is None or state_of(person) != "active":
        raise SignInRefusedError("person")
    return person


def _duties_left(person: Person, arrival: Arrival) -> tuple[Duty, ...]:
    """Return the duties that the provider's groups leave a person: all, where the operator maps none."""
    own, settings = duties_of(person), arrival.settings
    if not settings.sso_groups:
        return own
    left = tuple(duty for duty in own if settings.sso_groups.get(duty) in arrival.groups)
    # The duty in which someone has pages at all.
    if not left or role_of(left) != role_of(own):
        raise SignInRefusedError("groups")
    return left


def _link(session: Session, log: MatchLog, person: Person, arrival: Arrival, linking: str) -> None:
    """Link someone at the provider with a person, in place of whom the person had linked before; log it."""
    time = utc_text(arrival.now)
    if repository.spend_code(session, linking, time) is None:
        raise SignInRefusedError("link-code")
    before = unlinked(session, person)
    salt = secrets.token_hex(32)
    commitment = hashlib.sha256(f"{salt}\n{arrival.subject}".encode("ascii")).hexdigest()
    row = SignOn(
        subject=arrival.subject, person=person.id, salt=salt, commitment=commitment, created=time
    )
    if not add_if_alone(session, row):
        raise SignInRefusedError("linked-before")
    actor = EntryActor(
        party=person.party, person=person.id, role=role_of(duties_of(person)), signed=None
    )
    body = sign_on_changed(person, before[0].old if before else None, commitment)
    log.append(session, [EntryDraft(body, actor, request=arrival.request_id)])


def _open_session(
    session: Session, arrival: Arrival, person: Person, duties: tuple[Duty, ...]
) -> str:
    time = utc_text(arrival.now)
    repository.sweep_sessions(session, time)
    repository.sweep_sign_ins(session, time)
    cookie, expires = secrets.token_urlsafe(32), utc_text(arrival.now + SESSION_LIFETIME)
    token = Token(
        id=new_id(TOKEN_ID_PREFIX),
        # Of a secret that nobody is told: the session is all that it is for.
        digest=digest_of(new_token()),
        person=person.id,
        role=role_of(duties),
        created=time,
        expires=expires,
    )
    insert_rows(session, token)
    insert_rows(
        session,
        PageSession(
            digest=digest_of(cookie),
            token=token.id,
            expires=expires,
            subject=arrival.subject,
            provider_session=_named(arrival.settings.sso_issuer, "session", arrival.session),
            duties=duties_text(duties),
            id_token=seal_under(cookie, arrival.id_token),
        ),
    )
    return cookie


def _named(issuer: str | None, what: str, name: str | None) -> str | None:
    """Return the digest by which someone, or a session, at the provider is kept; None of None."""
    return None if name is None else canonical_digest([what, issuer, name])
