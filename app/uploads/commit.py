"""Committing an upload: the manifest is held against the terms, the parts against the manifest.

Three steps, each its own unit of work: read what the upload must be, stream through its parts without
holding the database, then change its state together with its entry in the match log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from app.agreements.service import project_for, terms_in_force
from app.agreements.signers import require_duty
from app.clock import utc_text
from app.db import add_if_alone
from app.matchlog.draft import EntryDraft, entry_actor
from app.matchlog.proofs import entry_proof
from app.security.at_rest import unseal
from app.uploads import repository
from app.uploads.container import ExpectedContainer, check_container
from app.uploads.errors import (
    AgreementDiffersError,
    AsOfError,
    AsOfTooOldError,
    ManifestDiffersError,
    NotCommittedError,
    OtherEpochError,
    OtherKeyError,
    OtherProfileError,
    PartsMissingError,
    PopulationDiffersError,
    SignatureNotTakenError,
    TooFewRecordsError,
    TooManyRecordsError,
    UploadClosedError,
    UploadRejectedError,
    rejection_of,
)
from app.uploads.models import EpochKey, Upload, UploadRejection
from app.uploads.parts import n_parts
from app.uploads.service import PART_KIND, refuse_closed, refuse_stranger, upload_for
from schemas.matchlog.kinds import Outcome, UploadReceived, UploadRejected
from schemas.profile import weight_window
from schemas.upload import ContainerHeader, Manifest, Receipt, SignedManifest

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.broker import Broker
    from app.security.actor import Actor
    from schemas.agreement import ProjectTerms

# So many manifests are tried for one container by mistake; whoever tries more sends it again in between.
MAX_REJECTIONS: Final = 16


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """A commit whose manifest fits: what the parts must add up to, and the blobs that hold them, in order."""

    upload: str
    manifest: Manifest
    expected: ExpectedContainer
    blobs: tuple[str, ...]


def prepare_commit(
    session: Session, broker: Broker, actor: Actor, upload: str, signed: SignedManifest
) -> PendingCommit | Receipt:
    """Hold the manifest against upload and terms; where this manifest is committed, return its receipt.

    Raises:
        NotFoundError, UploadClosedError, NotInForceError, NotProviderError, PartsMissingError.
        UploadRejectedError: the manifest does not fit; the rule is its class.
    """
    found = upload_for(session, actor, upload)
    manifest = signed.manifest
    if found.state == "committed":
        return _receipt_again(session, found, manifest)
    now = broker.clock()
    refuse_closed(found, utc_text(now))
    terms = terms_in_force(session, found.project, now)
    refuse_stranger(terms, actor.party)
    require_duty(actor, terms, "analyst")
    if signed.signatures:
        raise SignatureNotTakenError("The project takes no signatures on manifests.")
    _check_manifest(found, manifest, terms, now.date())
    parts = repository.stored_parts(session, upload)
    if len(parts) != n_parts(found.container_bytes, found.part_bytes):
        raise PartsMissingError("Not all parts of the upload are stored.")
    _refuse_again(session, upload, manifest)
    return PendingCommit(
        upload, manifest, _expected(found, manifest, terms), tuple(part.blob for part in parts)
    )


def check_parts(broker: Broker, pending: PendingCommit) -> None:
    """Stream through the sealed parts; raises UploadRejectedError at the first rule that is broken."""
    check_container(_plaintext(broker, pending), pending.expected)


def accept_upload(
    session: Session, broker: Broker, actor: Actor, pending: PendingCommit
) -> Receipt:
    """Commit an upload whose parts were checked, log it, and return its receipt.

    Raises:
        UploadRejectedError: what it was checked against has changed since, or another upload has fixed
            another key id for the epoch.
    """
    found = upload_for(session, actor, pending.upload, lock=True)
    if found.state == "committed":
        return _receipt_again(session, found, pending.manifest)
    now = broker.clock()
    refuse_closed(found, utc_text(now))
    terms = terms_in_force(session, found.project, now)
    refuse_stranger(terms, actor.party)
    _check_manifest(found, pending.manifest, terms, now.date())
    _fix_epoch_key(session, found)
    found.state = "committed"
    found.committed = utc_text(now)
    found.keep_until = utc_text(now + timedelta(days=terms.terms.keep_encodings_days))
    found.agreement, found.purpose = terms.digest, terms.terms.purpose
    found.records = pending.manifest.records
    found.encodings = pending.manifest.encodings
    found.manifest = pending.manifest.to_canonical().decode()
    found.manifest_sha256 = pending.manifest.digest()
    draft = _entry(found, actor, terms, _received(found, pending.manifest))
    (appended,) = broker.log.append(session, [draft])
    found.entry, found.entry_size = appended.seq, appended.size
    return _receipt(session, found)


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
    found = upload_for(session, actor, upload, lock=True)
    row = UploadRejection(
        upload=upload,
        manifest_sha256=signed.manifest.digest(),
        rule=rejection.code,
        detail=rejection.detail,
        clause=rejection.clause,
    )
    if found.state != "open" or not add_if_alone(session, row):
        return
    if len(repository.rejections(session, upload)) >= MAX_REJECTIONS:
        found.state = "expired"
    terms = project_for(session, actor, found.project)
    body = UploadRejected(rule=rejection.code)
    broker.log.append(session, [_entry(found, actor, terms, body, outcome="refused")])


def receipt_for(session: Session, actor: Actor, upload: str) -> Receipt:
    """Return the receipt of a committed upload; it outlives the encodings.

    Raises:
        NotFoundError: no such upload, or not the caller's.
        NotCommittedError: it is not committed.
    """
    return _receipt(session, upload_for(session, actor, upload))


def refuse_misfit(manifest: Manifest, agreed: ProjectTerms) -> None:
    """Check that what was uploaded is of the agreed population and within the agreed size.

    The size is that of the whole population, whatever has changed in it since the upload before.

    Raises:
        PopulationDiffersError, TooFewRecordsError, TooManyRecordsError: it is not.
    """
    if manifest.population != agreed.population:
        raise PopulationDiffersError("The terms name another population.", clause="population")
    if manifest.records < agreed.min_records:
        raise TooFewRecordsError("There are fewer records than agreed.", clause="min-records")
    if manifest.records > agreed.max_records:
        raise TooManyRecordsError("There are more records than agreed.", clause="max-records")


def _refuse_again(session: Session, upload: str, manifest: Manifest) -> None:
    """Refuse a manifest as before: the parts stay as they are, so they need not be read once more."""
    digest = manifest.digest()
    for row in repository.rejections(session, upload):
        rejection = rejection_of(row.rule, row.detail, row.clause)
        if row.manifest_sha256 == digest and rejection.is_lasting:
            raise rejection


def _receipt_again(session: Session, upload: Upload, manifest: Manifest) -> Receipt:
    if upload.manifest_sha256 != manifest.digest():
        raise UploadClosedError("The upload is committed with another manifest.")
    return _receipt(session, upload)


def _receipt(session: Session, upload: Upload) -> Receipt:
    if upload.entry is None:
        raise NotCommittedError("The upload is not committed, so there is no receipt yet.")
    # Always under the checkpoint of its own batch, so that asking again gives the same receipt.
    return entry_proof(session, upload.entry, upload.entry_size).to_receipt(upload.id)


def _entry(
    upload: Upload,
    actor: Actor,
    terms: TermsInForce,
    body: UploadReceived | UploadRejected,
    outcome: Outcome = "done",
) -> EntryDraft:
    return EntryDraft(
        body=body,
        actor=entry_actor(actor),
        project=upload.project,
        agreement=terms.digest,
        purpose=terms.terms.purpose,
        object=upload.id,
        outcome=outcome,
        request=actor.request_id,
    )


def _received(upload: Upload, manifest: Manifest) -> UploadReceived:
    return UploadReceived(
        epoch=upload.epoch,
        records=manifest.records,
        encodings=manifest.encodings,
        container_sha256=upload.container_sha256,
        size_bytes=upload.container_bytes,
        profile=upload.profile,
        key_id=upload.key_id,
        as_of=manifest.as_of,
        population=manifest.population,
        privacy_audit=manifest.privacy_audit_digest,
        manifest_sha256=manifest.digest(),
    )


def _plaintext(broker: Broker, pending: PendingCommit) -> Iterator[bytes]:
    key = broker.keystore.open(pending.upload)
    for number, blob in enumerate(pending.blobs):
        yield unseal(key, PART_KIND, pending.upload, number, broker.blobs.get(blob))


def _expected(upload: Upload, manifest: Manifest, terms: TermsInForce) -> ExpectedContainer:
    least, most = weight_window(terms.profile)
    return ExpectedContainer(
        header=ContainerHeader(
            project=upload.project,
            party=upload.party,
            epoch=upload.epoch,
            profile=upload.profile,
            key_id=upload.key_id,
            encoding_bits=terms.profile.encoding_bits,
            records=manifest.records,
            encodings=manifest.encodings,
        ),
        sha256=upload.container_sha256,
        size_bytes=upload.container_bytes,
        max_variants=terms.terms.max_variants,
        least_weight=least,
        most_weight=most,
    )


def _check_manifest(upload: Upload, manifest: Manifest, terms: TermsInForce, today: date) -> None:
    agreed = terms.terms
    if manifest.agreement != terms.digest:
        raise AgreementDiffersError(
            "The manifest was made under other terms than those in force.",
            hint="fetch the project again and make a new manifest",
        )
    if not upload.epoch == manifest.epoch == agreed.epoch:
        raise OtherEpochError("The project is in another epoch.", clause="epoch")
    if not upload.profile == manifest.profile == agreed.profile:
        raise OtherProfileError("The project has another encoding profile.", clause="profile")
    if manifest.key_id != upload.key_id:
        raise OtherKeyError("The manifest names another key id than the upload.")
    stated = (manifest.project, manifest.party, manifest.container_sha256, manifest.container_bytes)
    if stated != (upload.project, upload.party, upload.container_sha256, upload.container_bytes):
        raise ManifestDiffersError("The manifest is about another container, party or project.")
    _check_as_of(manifest.as_of, agreed.as_of_max_age_days, today)
    refuse_misfit(manifest, agreed)


def _check_as_of(as_of: str, max_age_days: int | None, today: date) -> None:
    # The agency's day may be ahead of UTC's.
    if date.fromisoformat(as_of) > today + timedelta(days=1):
        raise AsOfError("The as-of date lies in the future.")
    if max_age_days is not None and date.fromisoformat(as_of) < today - timedelta(max_age_days):
        raise AsOfTooOldError(
            f"The file describes a day more than {max_age_days} days ago.",
            clause="as-of-max-age-days",
        )


def _fix_epoch_key(session: Session, upload: Upload) -> None:
    fixed = EpochKey(project=upload.project, epoch=upload.epoch, key_id=upload.key_id)
    if add_if_alone(session, fixed):
        return
    if repository.epoch_key_id(session, upload.project, upload.epoch) != upload.key_id:
        raise OtherKeyError("The project's encodings are made with another secret.")
