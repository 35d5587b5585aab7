"""Accepting an upload whose manifest and parts were checked, or recording that it was refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import (
    TermsInForce,
    agreement_now,
    binding_terms,
    lock_rounds,
    terms_in_force,
)
from app.agreements.signers import refuse_stranger, require_duty
from app.broker import Broker
from app.clock import utc_text
from app.db import add_if_alone, insert_rows
from app.errors import BrokerError
from app.matchlog.draft import EntryDraft
from app.problem_details import problem_of
from app.rounds.models import RoundPairing
from app.rounds.service import note_container
from app.sealed.models import SealedPiece
from app.security.actor import Actor
from app.uploads import checks, repository
from app.uploads.checks import Hold, PendingCommit
from app.uploads.commit import check, open_pair_of, require_signed
from app.uploads.ending import end_check, expire
from app.uploads.errors import OTHER_KEY, UploadRejectedError
from app.uploads.models import EpochKey, Upload, UploadRejection
from schemas.matchlog.registry import Outcome
from schemas.matchlog.upload_kinds import UploadReceived, UploadRejected
from schemas.rounds.upload import SignedManifest

# So many manifests are tried for one container by mistake; anyone who tries more sends it again in between.
MAX_REJECTIONS: Final = 16


def accept_upload(
    session: Session, broker: Broker, pending: PendingCommit, token_index: SealedPiece
) -> RoundPairing:
    """Commit an upload whose parts were checked, log it, and return its pair of the round.

    Args:
        token_index: what `check_parts` returned.

    Raises:
        CheckLostError: the upload has ended, or another process checks it now.
        UploadRejectedError: what it was checked against has changed since, or another upload has fixed
            another key id for the epoch.
    """
    # First, so that of two parties who commit at once the second one sees the first one's root.
    lock_rounds(session, checks.held(session, pending.hold).project)
    found = checks.held(session, pending.hold, lock=True)
    now, actor = broker.clock(), checks.who_asked(session, pending)
    terms = terms_in_force(session, found.project, now)
    refuse_stranger(terms, actor.party)
    require_duty(actor, "analyst")
    pair = open_pair_of(session, found, now)
    require_signed(session, actor, pending.signed)
    check(session, found, pending.manifest, terms, pair=pair, today=now.date())
    _fix_epoch_key(session, found)
    end_check(found)
    # Whose file it is in the log: another person may have opened the upload.
    found.state, found.person = "committed", actor.person
    found.committed = utc_text(now)
    found.keep_until = utc_text(now + timedelta(days=terms.terms.keep_encodings_days))
    found.agreement, found.purpose = terms.digest, terms.terms.purpose
    insert_rows(session, token_index)
    found.manifest = pending.manifest.to_canonical().decode()
    found.manifest_sha256 = pending.manifest.digest()
    draft = _entry(found, actor, terms, UploadReceived.of(pending.signed))
    (appended,) = broker.log.append(session, [draft])
    found.entry, found.entry_size = appended.seq, appended.size
    note_container(session, pair, found.party, pending.manifest.root)
    return pair


def refuse_commit(session: Session, broker: Broker, hold: Hold, error: BrokerError) -> None:
    """End a check without a commit: the upload is open again, and says why; raises CheckLostError."""
    found = checks.held(session, hold, lock=True)
    asked = checks.asked_of(found)
    end_check(found)
    found.state = "open"
    found.refusal = problem_of(error, asked.request).to_canonical().decode()
    if isinstance(error, UploadRejectedError):
        reject_upload(
            session,
            broker,
            asked.actor(broker.clock),
            hold.upload,
            signed=asked.signed,
            rejection=error,
        )


def reject_upload(
    session: Session,
    broker: Broker,
    actor: Actor,
    upload: str,
    *,
    signed: SignedManifest,
    rejection: UploadRejectedError,
) -> None:
    """Record in the match log that a commit was refused, by the code of the rule alone.

    The same manifest by the same rule is recorded once. An upload that was refused often is over.
    """
    # As the broker itself, since the actor may have left the list of authorized users while the upload waited
    # for its check.
    found = repository.get_upload(session, upload, lock=True)
    row = UploadRejection(
        upload=upload,
        manifest_sha256=signed.manifest.digest(),
        rule=rejection.code,
        detail=rejection.detail,
        clause=rejection.clause,
    )
    if found is None or found.state != "open" or not add_if_alone(session, row):
        return
    if len(repository.rejections(session, upload)) >= MAX_REJECTIONS:
        expire(session, found)
    now = broker.clock()
    # First, so that no amendment is logged between this look and the entry.
    agreement_now(session, found.project, now)
    terms = binding_terms(session, found.project, now)
    if terms is not None:
        body = UploadRejected(rule=rejection.code)
        broker.log.append(session, [_entry(found, actor, terms, body, outcome="refused")])


def _entry(
    upload: Upload,
    actor: Actor,
    terms: TermsInForce,
    body: UploadReceived | UploadRejected,
    outcome: Outcome = "done",
) -> EntryDraft:
    return EntryDraft.about(
        body, terms.terms, terms.digest, actor, object=upload.id, outcome=outcome
    )


def _fix_epoch_key(session: Session, upload: Upload) -> None:
    fixed = EpochKey(project=upload.project, epoch=upload.epoch, key_id=upload.key_id)
    if add_if_alone(session, fixed):
        return
    if repository.epoch_key_id(session, upload.project, upload.epoch) != upload.key_id:
        raise UploadRejectedError(
            OTHER_KEY, "The project's encodings are made with another secret."
        )
