"""Witnesses: persons of the parties sign checkpoints that continue what they saw before."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agencies.persons import keys_in_use, keys_of
from app.agreements.service import is_bound
from app.broker import Broker
from app.clock import utc_text
from app.errors import COSIGNATURE_REFUSED, NOT_A_WITNESS, NOTHING_TO_WITNESS, RefusedError
from app.matchlog.proofs import add_cosignature, cosigners_of, lock_cosignatures, newest_cosigned
from app.security.actor import Actor
from schemas.api.bodies import CosignatureRequest, CosignatureStored
from schemas.signing.identity import PublicIdentity
from schemas.signing.note import COSIGNER_KEY, VerifierKey

# Of each party; a bundle lists at most 64 keys of witnesses, and those of every party before more of one.
MAX_WITNESSES: Final = 16
# A note has at most 32 signatures, the log's among them.
MAX_ON_CHECKPOINT: Final = 31
# The places after these are for parties that have none there: for a run to be final, a party counts once.
MAX_BEFORE_OTHERS: Final = 15
# A witness's clock may be wrong, but a time that is far off would say that someone saw what was not there.
MAX_OFF: Final = timedelta(days=1)


def receive_cosignature(
    session: Session, broker: Broker, actor: Actor, request: CosignatureRequest
) -> CosignatureStored:
    """Store a cosignature that the caller made with the signing key that it signs in with."""
    key = _own_key(session, actor)
    if request.key != key.text:
        raise RefusedError(NOT_A_WITNESS, "The key is not the one that you sign in with.")
    if not is_bound(session, actor, broker.clock()):
        raise RefusedError(NOTHING_TO_WITNESS, "No project's terms name your party yet.")
    lock_cosignatures(session)
    _refuse_crowd(session, request.size, key)
    cosignature = add_cosignature(session, request.size, request.line, key)
    if abs(cosignature.time_s - broker.machine_clock().timestamp()) > MAX_OFF.total_seconds():
        raise RefusedError(COSIGNATURE_REFUSED, "The cosignature's time is off by more than a day.")
    seen = datetime.fromtimestamp(cosignature.time_s, UTC)
    return CosignatureStored(party=actor.party, size=request.size, time=utc_text(seen))


def _refuse_crowd(session: Session, size: int, key: VerifierKey) -> None:
    # Keys that were replaced, or whose persons were revoked, take no place from those who may cosign now.
    in_use = {_witness_key(identity).text for identity in keys_in_use(session, key.name)}
    on_checkpoint = cosigners_of(session, size)
    has_place = any(VerifierKey.from_text(text).name == key.name for text in on_checkpoint)
    most = MAX_BEFORE_OTHERS if has_place else MAX_ON_CHECKPOINT
    for cosigned, limit in (
        (newest_cosigned(session).keys() & in_use, MAX_WITNESSES),
        (on_checkpoint, most),
    ):
        if key.text not in cosigned and len(cosigned) >= limit:
            raise RefusedError(COSIGNATURE_REFUSED, "No more persons can cosign this.")


def _own_key(session: Session, actor: Actor) -> VerifierKey:
    return _witness_key(keys_of(session, actor))


def _witness_key(identity: PublicIdentity) -> VerifierKey:
    return VerifierKey(identity.party, COSIGNER_KEY, base64.b64decode(identity.signing_key))
