"""Persons with keys of their own: invited by code, enrolled, confirmed by voice, replaced, revoked.

The person draws id and keys, and sends the public half with the operator's one-time code. Nobody acts with
them before an operator has compared the fingerprint with the person.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agencies import repository
from app.agencies.duties import duties_of, duties_text, parse_duties, role_of
from app.agencies.models import Invitation, Person
from app.clock import utc_text
from app.db import add_if_alone, insert_rows
from app.errors import (
    ENROLMENT_REFUSED,
    FINGERPRINT_DIFFERS,
    KEY_CHANGE_REFUSED,
    PERSON_STATE,
    UNKNOWN_PARTY,
    UNKNOWN_PERSON,
    RefusedError,
)
from app.matchlog.draft import EntryDraft, entry_actor
from app.matchlog.service import MatchLog
from app.security.actor import Actor
from app.security.tokens import digest_of
from schemas.api.sign_in import EnrolmentRequest, EnrolmentView, IdentityList, PersonState
from schemas.documents.errors import FormatError, SignatureError
from schemas.documents.written_code import CODE_BYTES, read_code, write_code
from schemas.matchlog.person_kinds import SIGN_ON, KeyRotated, PersonEnrolled, RoleChanged
from schemas.signing.identity import (
    MAX_KEY_CHANGES,
    Duty,
    IdentityHistory,
    PublicIdentity,
    SignedKeyChange,
)
from schemas.signing.signed_times import is_timely

INVITATION_LIFETIME: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """A one-time code, for whom it is: shown once, to the person who hands it to the person, and kept
    nowhere.
    """

    code: str = field(repr=False)
    party: str
    duties: tuple[Duty, ...]
    label: str
    expires: str


def invite_person(
    session: Session, *, party: str, duties: Sequence[Duty], label: str, now: datetime
) -> NewInvitation:
    """Return a code with which one person of a party can enrol within 7 days, for these duties.

    Args:
        label: who it is for, for the operator alone; the log knows the person by id.
    """
    if repository.find_party(session, party) is None:
        raise RefusedError(UNKNOWN_PARTY, "There is no party of this name.")
    role_of(duties)
    code = write_code(secrets.token_bytes(CODE_BYTES))
    expires = utc_text(now + INVITATION_LIFETIME)
    insert_rows(
        session,
        Invitation(
            digest=digest_of(code),
            party=party,
            label=label,
            duties=duties_text(duties),
            created=utc_text(now),
            expires=expires,
        ),
    )
    return NewInvitation(code, party, parse_duties(duties_text(duties)), label, expires)


def enrol_person(session: Session, wanted: EnrolmentRequest, now: datetime) -> EnrolmentView:
    """Take a person's public keys under a one-time code; an operator has to confirm them.

    The same code with the same keys again answers how far the enrolment is.
    """
    try:
        code = write_code(read_code(wanted.code))
        identity = wanted.identity.verify()
    except FormatError:
        raise _refused() from None
    digest, person = digest_of(code), identity.person
    invitation = repository.spend_invitation(session, digest, person, utc_text(now))
    if invitation is None:
        return _enrolled_before(session, digest, wanted)
    if (identity.party, identity.duties) != (invitation.party, parse_duties(invitation.duties)):
        raise _refused()
    row = Person(
        id=person,
        party=identity.party,
        label=invitation.label,
        created=utc_text(now),
        duties=invitation.duties,
        identity=_text(identity),
        history=_text(IdentityHistory(enrolled=wanted.identity)),
    )
    if not add_if_alone(session, row):
        raise _refused()
    return view_of(row)


def confirm_person(
    session: Session,
    log: MatchLog,
    *,
    person_id: str,
    fingerprint: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Let a person act, whose fingerprint the operator has compared with them, and log it."""
    person = person_with_keys(session, person_id)
    if state_of(person) != "awaiting":
        raise RefusedError(PERSON_STATE, f"The person is {state_of(person)} already.")
    identity = identity_of(person)
    if not hmac.compare_digest(_groups(fingerprint), _groups(identity.fingerprint())):
        raise RefusedError(
            FINGERPRINT_DIFFERS,
            "The fingerprint is not that of the person's keys.",
            hint="someone may stand between you and the person: revoke the person, and invite anew",
        )
    person.confirmed = utc_text(now)
    enrolled = PersonEnrolled(
        party=person.party,
        person=person.id,
        duties=identity.duties,
        signing_key=identity.signing_key,
        receiving_key=identity.key_digests()[1],
    )
    granted = _role_changed(person, "granted")
    log.append(session, [_draft(enrolled, actor), _draft(granted, actor)])


def revoke_person(
    session: Session, log: MatchLog, *, person_id: str, actor: Actor, now: datetime
) -> None:
    """Revoke a person and all their tokens, effective on the next request, and log it.

    A second time changes nothing; who was never confirmed could not act, so the log keeps nothing of them.
    """
    person = person_with_keys(session, person_id)
    if person.revoked is not None:
        return
    person.revoked = utc_text(now)
    repository.revoke_tokens(session, person.id, utc_text(now))
    ended = [_draft(body, actor) for body in unlinked(session, person)]
    if person.confirmed is not None:
        log.append(session, [*ended, _draft(_role_changed(person, "revoked"), actor)])


def replace_keys(
    session: Session, log: MatchLog, *, change: SignedKeyChange, actor: Actor, now: datetime
) -> EnrolmentView:
    """Replace the actor's keys by those that the old and the new ones signed for, and log it.

    All tokens of the person end, since the old keys got them. The same change again changes nothing.
    """
    person = repository.require_person(session, actor.person, lock=True)
    history = IdentityHistory.from_canonical((person.history or "").encode("ascii"))
    if history.changes and history.changes[-1] == change:
        return view_of(person)
    if len(history.changes) == MAX_KEY_CHANGES:
        raise RefusedError(
            KEY_CHANGE_REFUSED,
            "These keys have been replaced as often as is allowed.",
            hint="enrol as a new person",
        )
    current = identity_of(person)
    try:
        successor = change.verify(current)
    except SignatureError:
        raise RefusedError(
            KEY_CHANGE_REFUSED, "The change does not follow from the person's keys."
        ) from None
    if not is_timely(change.change.at, now):
        raise RefusedError(
            KEY_CHANGE_REFUSED,
            "The change was signed too long ago, or its time is in the future.",
            hint="check this computer's date and time, and sign it anew",
        )
    person.identity = _text(successor)
    person.history = _text(history.model_copy(update={"changes": (*history.changes, change)}))
    repository.revoke_tokens(session, person.id, utc_text(now))
    # The keys that linked a sign-on with the person are no more.
    bodies = (*_rotations(current, change), *unlinked(session, person))
    log.append(session, [_draft(body, actor) for body in bodies])
    return view_of(person)


def end_sign_on(session: Session, log: MatchLog, *, person_id: str, actor: Actor) -> None:
    """End the link of a person's keys with a single sign-on, and all sessions that stand on it; log it."""
    bodies = unlinked(session, person_with_keys(session, person_id))
    if not bodies:
        raise RefusedError(PERSON_STATE, "The person has linked no sign-on.")
    log.append(session, [_draft(body, actor) for body in bodies])


def unlinked(session: Session, person: Person) -> list[KeyRotated]:
    """Remove a person's link with a single sign-on, and what stands on it; return what the log says of it.

    Nothing where there is none. Nobody else may change the person meanwhile.
    """
    ended = repository.pop_sign_on(session, person.id)
    if ended is None:
        return []
    repository.end_signed_on(session, ended.subject, None)
    return [sign_on_changed(person, ended.commitment, None)]


def sign_on_changed(person: Person, old: str | None, new: str | None) -> KeyRotated:
    """Return what the log says where a link is made, replaced or ended: commitments, of which null is none."""
    return KeyRotated(
        party=person.party, person=person.id, use=SIGN_ON, old=old, new=new, signed=None
    )


def person_with_keys(session: Session, person_id: str) -> Person:
    """Return a person who enrolled, to be changed in this transaction."""
    # Locked, since all who ask are about to change it by what they find.
    person = repository.person_to_change(session, person_id)
    if person is None or person.identity is None:
        raise RefusedError(UNKNOWN_PERSON, "No one has enrolled with this id.")
    return person


def list_persons(session: Session, party: str | None) -> Sequence[Person]:
    """Return who enrolled, of one party or of all (None), by party, then oldest first."""
    return repository.list_persons(session, party)


def signed_on_since(session: Session) -> dict[str, str]:
    """Return since when who has linked a single sign-on has done so, by the person's id."""
    return {one.person: one.created for one in repository.list_sign_ons(session)}


def open_invitations(session: Session, party: str | None, now: datetime) -> Sequence[Invitation]:
    """Return the invitations that can still be used, of one party or of all (None)."""
    return repository.open_invitations(session, party, utc_text(now))


def identities_of(
    session: Session, parties: Sequence[str], *, former: bool = False
) -> IdentityList:
    """Return the keys of all persons of these parties who may act, with how they came to be.

    `former`: those, too, who could once and were revoked, since what they have signed counts on.
    """
    return IdentityList(
        identities=tuple(
            IdentityHistory.from_canonical(person.history.encode("ascii"))
            for person in repository.active_persons(session, parties, former=former)
            if person.history is not None
        )
    )


def keys_in_use(session: Session, party: str) -> list[PublicIdentity]:
    """Return the newest keys of all persons of a party who may act, in order of the persons' ids."""
    persons = repository.active_persons(session, [party])
    return [identity_of(person) for person in persons if person.identity is not None]


def identity_of(person: Person) -> PublicIdentity:
    """Return the newest keys of a person who enrolled."""
    return PublicIdentity.from_canonical((person.identity or "").encode("ascii"))


def keys_of(session: Session, actor: Actor) -> PublicIdentity:
    """Return the newest keys of the person who has signed in."""
    return identity_of(repository.require_person(session, actor.person))


def state_of(person: Person) -> PersonState:
    """Return whether a person who enrolled waits to be confirmed, may act, or was revoked."""
    if person.revoked is not None:
        return "revoked"
    return "awaiting" if person.confirmed is None else "active"


def view_of(person: Person) -> EnrolmentView:
    """Return how far a person's enrolment is."""
    fingerprint = identity_of(person).fingerprint()
    return EnrolmentView(person=person.id, state=state_of(person), fingerprint=fingerprint)


def _enrolled_before(session: Session, digest: str, wanted: EnrolmentRequest) -> EnrolmentView:
    invitation = repository.find_invitation(session, digest)
    person = repository.find_person_by_id(session, wanted.identity.identity.person)
    if invitation is None or person is None or person.history is None:
        raise _refused()
    history = IdentityHistory.from_canonical(person.history.encode("ascii"))
    if invitation.person != person.id or history.enrolled != wanted.identity:
        raise _refused()
    return view_of(person)


def _refused() -> RefusedError:
    return RefusedError(
        ENROLMENT_REFUSED,
        "This code cannot enroll these keys.",
        hint="ask the operator of the broker for a new code",
    )


def _rotations(old: PublicIdentity, change: SignedKeyChange) -> list[KeyRotated]:
    uses, signed = ("signing", "receiving"), (change, None)
    new = change.change.successor.key_digests()
    return [
        KeyRotated(party=old.party, person=old.person, use=use, old=before, new=after, signed=by)
        for use, before, after, by in zip(uses, old.key_digests(), new, signed, strict=True)
    ]


def _role_changed(person: Person, change: str) -> RoleChanged:
    role = role_of(duties_of(person))
    return RoleChanged.model_validate(
        {"party": person.party, "person": person.id, "role": role, "change": change}
    )


def _draft(body: PersonEnrolled | RoleChanged | KeyRotated, actor: Actor) -> EntryDraft:
    return EntryDraft(body, entry_actor(actor), request=actor.request_id)


def _groups(fingerprint: str) -> bytes:
    return "".join(fingerprint.split()).encode("utf-8")


def _text(document: PublicIdentity | IdentityHistory) -> str:
    return document.to_canonical().decode("ascii")
