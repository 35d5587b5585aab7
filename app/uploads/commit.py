"""Before an upload is committed: its manifest is held against the terms, its parts against the manifest.

Two steps: read what the upload must be, then stream through its parts without holding the database. What
follows, in a unit of work of its own, stands in `app.uploads.acceptance`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.agreements.errors import SignatureRefusedError
from app.agreements.service import terms_in_force
from app.agreements.signers import refuse_stranger, require_duty, require_signature
from app.clock import utc_text
from app.rounds.service import open_pair, own_root, partner_root
from app.security.at_rest import seal, unseal
from app.uploads import repository
from app.uploads.errors import (
    AlreadyUploadedError,
    HeaderDiffersError,
    ManifestSignatureError,
    PartsMissingError,
    rejection_of,
)
from app.uploads.manifests import check_manifest, check_root
from app.uploads.models import Upload
from app.uploads.parts import ExpectedContainer, HandleCheck, PartRows, handles_in, read_head
from app.uploads.receipts import receipt_again
from app.uploads.service import (
    INDEX_KIND,
    PART_KIND,
    expected_of,
    manifest_of,
    parts_of,
    refuse_closed,
    upload_for,
)
from schemas.upload import Manifest, Receipt, SignedManifest

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.broker import Broker
    from app.rounds.models import RoundPairing
    from app.security.actor import Actor


# Of a manifest: all who may sign it are one person, who commits.
MANIFEST_KIND: Final = "manifest"


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """A commit whose manifest fits: what the parts must add up to, and the blobs that hold them, in order."""

    upload: str
    signed: SignedManifest
    expected: ExpectedContainer
    blobs: tuple[str, ...]

    @property
    def manifest(self) -> Manifest:
        """What is signed."""
        return self.signed.manifest


def prepare_commit(
    session: Session, broker: Broker, actor: Actor, upload: str, signed: SignedManifest
) -> PendingCommit | Receipt:
    """Hold the manifest against upload and terms; where this manifest is committed, return its receipt.

    Raises:
        NotFoundError, UploadClosedError, NotInForceError, NotProviderError, PartsMissingError.
        RoundClosedError, AlreadyUploadedError: the round takes no container of this party for this partner now.
        UploadRejectedError: the manifest does not fit; the rule is its class.
    """
    found = upload_for(session, actor, upload)
    manifest = signed.manifest
    if found.state == "committed":
        return receipt_again(session, found, manifest)
    now = broker.clock()
    refuse_closed(found, utc_text(now))
    terms = terms_in_force(session, found.project, now)
    refuse_stranger(terms, actor.party)
    require_duty(actor, "analyst")
    open_pair_of(session, found)
    require_signed(session, actor, signed)
    parts = repository.stored_parts(session, upload)
    if len(parts) != parts_of(found).n_parts:
        raise PartsMissingError("Not all parts of the upload are stored.")
    check(session, found, manifest, terms, now.date())
    check_root([part.sha256 for part in parts[1:]], manifest)
    _refuse_again(session, upload, manifest)
    blobs = tuple(part.blob for part in parts)
    return PendingCommit(upload, signed, expected_of(found, terms), blobs)


def check_parts(broker: Broker, pending: PendingCommit) -> str:
    """Stream through the sealed parts; return the blob that holds the first token of each part of rows, sealed.

    Raises:
        UploadRejectedError: at the first rule that is broken.
    """
    pieces = _plaintext(broker, pending)
    header = read_head(next(pieces), pending.expected)
    if header.root != pending.manifest.root:
        raise HeaderDiffersError("The header's root is not the manifest's.")
    handles, rows = HandleCheck(), PartRows(pending.expected)
    for number, piece in enumerate(pieces, start=1):
        if number <= pending.expected.parts.n_table:
            handles.add(handles_in(piece))
        else:
            rows.add(piece)
    rows.finish()
    key = broker.keystore.open(pending.upload)
    index = b"".join(rows.first_tokens)
    return broker.blobs.put(seal(key, INDEX_KIND, pending.upload, 0, index))


def _refuse_again(session: Session, upload: str, manifest: Manifest) -> None:
    """Refuse a manifest as before: the parts stay as they are, so they need not be read once more."""
    digest = manifest.digest()
    for row in repository.rejections(session, upload):
        rejection = rejection_of(row.rule, row.detail, row.clause)
        if row.manifest_sha256 == digest and rejection.is_lasting:
            raise rejection


def open_pair_of(session: Session, upload: Upload) -> RoundPairing:
    """Return the pair that an upload is for, in a round that is open and has no such container yet.

    Raises:
        RoundClosedError, AlreadyUploadedError: it is not so.
    """
    pair = open_pair(session, upload.project, upload.round, upload.party, upload.partner)
    if own_root(pair, upload.party) is not None:
        raise AlreadyUploadedError("The party's container for this partner and round is committed.")
    return pair


def require_signed(session: Session, actor: Actor, signed: SignedManifest) -> None:
    """Check that exactly the person who commits has signed; raises ManifestSignatureError."""
    if len(signed.signatures) != 1:
        raise ManifestSignatureError("A manifest has one signature: of the person who commits it.")
    try:
        require_signature(session, actor, MANIFEST_KIND, signed.manifest, signed.signatures[0])
    except SignatureRefusedError as exc:
        raise ManifestSignatureError(exc.detail) from exc


def check(
    session: Session, upload: Upload, manifest: Manifest, terms: TermsInForce, today: date
) -> None:
    """Hold a manifest against upload, terms and the partner's container; raises UploadRejectedError."""
    pair = open_pair_of(session, upload)
    partner = repository.committed_for(
        session, upload.project, upload.round, upload.partner, upload.party
    )
    check_manifest(
        manifest,
        upload,
        terms,
        partner_root=partner_root(pair, upload.party),
        partner=None if partner is None else manifest_of(partner),
        today=today,
    )


def _plaintext(broker: Broker, pending: PendingCommit) -> Iterator[bytes]:
    key = broker.keystore.open(pending.upload)
    for number, blob in enumerate(pending.blobs):
        yield unseal(key, PART_KIND, pending.upload, number, broker.blobs.get(blob))
