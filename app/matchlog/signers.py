"""Who signs what the log is about to say, held against what it has said of them.

A caller has looked at who acts, but some time ago: a body may come slowly, a check may wait. Here the log's
head is locked, and who is revoked or replaces keys goes through here, too. So what a verifier would refuse of
persons, and of the requests that they sign, is refused here, no matter who was first. What binds the project
and lets them do it is for the caller to look at, and to hold: `app.agreements.service`.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.orm import Session

from app.clock import parse_utc, utc_text
from app.errors import REQUEST_AGREEMENT, REQUEST_UNSIGNED, NotAuthenticatedError, RefusedError
from app.matchlog import repository
from app.matchlog.models import LogPerson
from schemas.agreement.statement import SignedStatement
from schemas.api.logged_requests import asked_for, is_in_place, is_under_agreement
from schemas.documents.errors import SignatureError
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.person_kinds import KeyRotated, PersonEnrolled, RoleChanged
from schemas.rounds.rounds import SignedNonceOffer
from schemas.signing.identity import SignedKeyChange, signing_key_sha256
from schemas.signing.signatures import Signed
from schemas.signing.signed_request import SignedRequest
from schemas.signing.signed_times import LONGEST, is_timely

# Requests that are too old to be taken are forgotten once in so many batches.
_FORGET_EACH: Final = 64


def hold_to_signers(session: Session, entries: Sequence[Entry], log: str) -> None:
    """Check the persons of a batch that is about to be appended, and note what it says of persons."""
    taken = [entry for entry in entries if entry.outcome != "refused"]
    known = repository.persons_among(session, {one for entry in taken for one in _persons(entry)})
    for entry in taken:
        _require_signer(entry, known.get(entry.actor.person or ""), log)
        _require_seen(session, entry)
        _note(session, entry, known)
    _use_up(session, taken)


def elsewhere() -> RefusedError:
    """Return request-unsigned for a request that was signed for another place than the one of its entry."""
    return RefusedError(
        REQUEST_UNSIGNED,
        "The request was signed for another log or project.",
        hint="sign it for the log whose key you have pinned, and for the project that it is about",
    )


def other_agreement() -> RefusedError:
    """Return request-agreement for a request that was signed under another agreement than its entry's."""
    return RefusedError(
        REQUEST_AGREEMENT,
        "The request was signed under a different agreement from the one that binds the project now.",
        hint="read the agreement that binds now, then repeat the command",
    )


def _persons(entry: Entry) -> set[str]:
    named = (entry.actor.person, getattr(entry.body, "person", None))
    return {person for person in named if person is not None}


def _require_signer(entry: Entry, person: LogPerson | None, log: str) -> None:
    request, document = entry.actor.signed, getattr(entry.body, "signed", None)
    if request is None and document is None and (person is None or not KINDS[entry.kind].duties):
        # Of the broker, or of a person as whom the operator's own commands act.
        return
    if person is None or person.is_revoked:
        raise NotAuthenticatedError("A valid token is needed.")
    if request is not None:
        _require_request(entry, request, person, log)
    if document is not None:
        _require_document(entry, document, person)


def _require_seen(session: Session, entry: Entry) -> None:
    """Refuse a request of someone who was shown another entry of the project: it would break the log."""
    signed = entry.actor.signed
    if signed is None or signed.request.head is None:
        return
    head = signed.request.head
    if repository.leaf_at(session, entry.project or "", head.place) != bytes.fromhex(head.leaf):
        raise RefusedError(
            REQUEST_UNSIGNED,
            "The request names an entry of the project that is not in this log.",
            hint="compare logs with the other agencies: blindlink-audit verify",
        )


def _require_request(entry: Entry, signed: SignedRequest, person: LogPerson, log: str) -> None:
    request = signed.request
    if not asked_for(entry).is_what(request):
        raise RefusedError(REQUEST_UNSIGNED, "The signed document does not match the request.")
    if not is_in_place(request, log, entry.project):
        raise elsewhere()
    if not is_under_agreement(entry, request):
        raise other_agreement()
    _require_signature(signed, person)
    _require_timely(entry, request.at)


def _require_document(entry: Entry, document: object, person: LogPerson) -> None:
    if isinstance(document, Signed):
        _require_signature(document, person)
    if isinstance(document, SignedStatement):
        _require_timely(entry, document.statement.at)
    if isinstance(document, SignedNonceOffer):
        if document.signature.key != signing_key_sha256(person.signing_key):
            raise _replaced()
        _require_timely(entry, document.offer.at)
    if isinstance(document, SignedKeyChange):
        if document.change.old_key != person.signing_key:
            raise _replaced()
        _require_timely(entry, document.change.at)


def _require_signature(signed: Signed, person: LogPerson) -> None:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(person.signing_key))
    try:
        signed.require_signature(key)
    except SignatureError:
        raise _replaced() from None


def _replaced() -> RefusedError:
    return RefusedError(
        REQUEST_UNSIGNED, "This is not signed with the newest keys of the person who sent it."
    )


def _require_timely(entry: Entry, at: str) -> None:
    if not is_timely(at, parse_utc(entry.time)):
        raise RefusedError(
            REQUEST_UNSIGNED,
            "This was signed too long ago, or its time is in the future.",
            hint="sign it anew",
        )


def _note(session: Session, entry: Entry, known: dict[str, LogPerson]) -> None:
    body = entry.body
    if isinstance(body, PersonEnrolled):
        known[body.person] = repository.add_person(session, body.person, body.signing_key)
    elif isinstance(body, KeyRotated) and body.signed is not None:
        known[body.signed.change.person].signing_key = body.signed.change.successor.signing_key
    elif isinstance(body, RoleChanged) and body.change == "revoked":
        person = known.get(body.person or "")
        if person is not None:
            person.is_revoked = True


def _use_up(session: Session, entries: Sequence[Entry]) -> None:
    """Note the signed requests of a batch, each of which stands in no other."""
    signed = [entry.actor.signed for entry in entries if entry.actor.signed is not None]
    if not signed:
        return
    requests = {one.request.digest(): one.request.at for one in signed}
    if repository.has_request(session, requests):
        raise RefusedError(
            REQUEST_UNSIGNED, "This signed request was used before.", hint="sign each attempt anew"
        )
    repository.add_requests(session, requests)
    if entries[0].batch % _FORGET_EACH == 0:
        # By the log's time, which never goes back: by a clock that is ahead some would be forgotten early.
        oldest = parse_utc(entries[0].time) - LONGEST
        repository.forget_requests(session, utc_text(oldest))
