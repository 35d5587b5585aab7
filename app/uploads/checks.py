"""Checks of uploads whose commit was asked for: which ones wait, who reads one, and what was asked.

A check is leased to the person who reads the parts, who renews the lease as it goes. A process that is killed
loses it, and the next one begins anew; one that was stopped for longer and wakes finds that its token no longer
stands in the row, and changes nothing. Times of leases are the database's.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Self

from sqlalchemy.orm import Session

from app.agencies.service import actor_now
from app.agreements.service import terms_in_force
from app.broker import Broker
from app.clock import Clock, utc_text
from app.errors import BrokerError, RefusedError, UnavailableError
from app.sealed.objects import Pieces, open_pieces
from app.security.actor import Actor
from app.uploads import repository
from app.uploads.errors import UPLOAD_CLOSED, CheckLostError
from app.uploads.models import Upload
from app.uploads.parts import ExpectedContainer
from app.uploads.service import OPEN_HOURS, PART_KIND, expected_of
from schemas.documents.document import Document
from schemas.rounds.upload import Manifest, SignedManifest
from schemas.signing.identity import Duty
from schemas.signing.signed_request import SignedRequest
from schemas.signing.signed_times import is_timely

# A check that fails this often, or ends its process, would do so for ever.
MAX_ATTEMPTS: Final = 5


class AskedCommit(Document):
    """What a commit asks for and who asks, as it is kept until the parts are checked."""

    KIND: ClassVar[str] = "asked commit"

    signed: SignedManifest
    party: str
    person: str
    token: str
    request: str
    duties: tuple[Duty, ...]
    signed_request: SignedRequest

    @classmethod
    def of(cls, signed: SignedManifest, actor: Actor, asked: SignedRequest) -> Self:
        """Return what this actor, an agency's person, asks for by the request that they have signed."""
        return cls(
            signed=signed,
            party=actor.party,
            person=actor.person,
            token=actor.token_id,
            request=actor.request_id,
            duties=actor.duties,
            signed_request=asked,
        )

    def actor(self, clock: Clock) -> Actor:
        """Return who asked, with the duties of that moment."""
        return Actor(
            party=self.party,
            person=self.person,
            role="agency",
            token_id=self.token,
            request_id=self.request,
            duties=self.duties,
            signed=self.signed_request,
            clock=clock,
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """One process's hold on the check of one upload; `attempt` counts from 1."""

    upload: str
    token: str
    attempt: int


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """A commit whose manifest fits: who asked, what the parts must add up to, and the parts, in order."""

    hold: Hold
    actor: Actor
    signed: SignedManifest
    expected: ExpectedContainer
    parts: Pieces

    @property
    def manifest(self) -> Manifest:
        """What is signed."""
        return self.signed.manifest


def begin(session: Session, upload: Upload, asked: AskedCommit, now: datetime) -> None:
    """Let the parts of an open, locked upload be checked; it stays for a day more, whatever comes of it."""
    upload.state = "checking"
    upload.asked = asked.to_canonical().decode()
    upload.checked, upload.check_attempts, upload.check_until_ms = 0, 0, 0
    upload.refusal = None
    upload.expires = utc_text(now + timedelta(hours=OPEN_HOURS))
    session.flush()


def refuse_other(upload: Upload, manifest: Manifest) -> None:
    """Raise UnavailableError where the upload is being checked for another manifest."""
    if asked_of(upload).signed.manifest.digest() != manifest.digest():
        raise UnavailableError("The broker is checking this upload with a different manifest.")


def has_work(session: Session) -> bool:
    """Tell whether a check waits or was abandoned, without taking the lock that a claim needs."""
    return repository.has_free_check(session)


def claim(session: Session, lease_ms: int) -> Hold | None:
    """Take the check that waits longest, or whose reader's lease is over; None where there is none."""
    token = secrets.token_hex(16)
    claimed = repository.claim_check(session, token, lease_ms)
    return None if claimed is None else Hold(claimed.id, token, claimed.check_attempts or 1)


def open_held(session: Session, broker: Broker, hold: Hold) -> PendingCommit:
    """Return what is to be checked.

    Raises:
        CheckLostError: the upload has ended, or another process holds it.
        NotInForceError, KeyGoneError: it cannot be committed any more.
    """
    found = held(session, hold)
    if hold.attempt > MAX_ATTEMPTS:
        raise BrokerError("The check has failed several times.")
    asked = asked_of(found)
    _refuse_outdated(asked, broker.log.now(session))
    terms = terms_in_force(session, found.project, broker.clock())
    return PendingCommit(
        hold=hold,
        actor=asked.actor(broker.clock),
        signed=asked.signed,
        expected=expected_of(found, terms),
        parts=open_pieces(session, broker, hold.upload, PART_KIND),
    )


def _refuse_outdated(asked: AskedCommit, now: datetime) -> None:
    """Refuse what was asked too long ago, as after a long outage, before anything is read for it."""
    if not is_timely(asked.signed_request.request.at, now):
        raise RefusedError(
            UPLOAD_CLOSED, "The upload was not checked in time.", hint="send it again"
        )


def held(session: Session, hold: Hold, *, lock: bool = False) -> Upload:
    """Return the upload whose check is held, locked if wanted; raises CheckLostError as `open_held`."""
    found = repository.get_upload(session, hold.upload, lock=lock)
    if found is None or found.state != "checking" or found.check_token != hold.token:
        raise CheckLostError("The check of the upload is no longer this process's.")
    return found


def note_checked(session: Session, hold: Hold, checked: int, lease_ms: int) -> None:
    """Say how many parts were read, and put the end of the lease off; raises CheckLostError."""
    if not repository.renew_check(session, hold.upload, hold.token, checked, lease_ms):
        raise CheckLostError("The check of the upload is no longer this process's.")


def give_back(session: Session, hold: Hold) -> None:
    """End the lease now, so that the next one begins at once; no attempt is counted. Raises CheckLostError."""
    found = held(session, hold, lock=True)
    found.check_token, found.check_until_ms = None, 0
    found.check_attempts = hold.attempt - 1


def asked_of(upload: Upload) -> AskedCommit:
    """Return what is being checked."""
    return AskedCommit.from_canonical((upload.asked or "").encode())


def who_asked(session: Session, pending: PendingCommit) -> Actor:
    """Return who asked, with the duties that they have now: none where they were revoked since."""
    return actor_now(session, pending.actor)
