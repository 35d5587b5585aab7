"""Before an upload is committed: its manifest is checked against the terms, its parts against the manifest.

Two steps: read what the upload must be, then stream through its parts outside any transaction. What
follows, in a unit of work of its own, stands in `app.uploads.acceptance`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.agreements.errors import SignatureRefusedError
from app.agreements.service import terms_in_force
from app.agreements.signers import refuse_stranger, require_duty, require_signature
from app.clock import utc_text
from app.errors import RefusedError
from app.rounds.service import open_pair, own_root, partner_root
from app.sealed.objects import Pieces, digests_of, open_pieces, put_piece
from app.uploads import repository
from app.uploads.buckets import BucketCheck
from app.uploads.errors import (
    ALREADY_UPLOADED,
    HEADER_DIFFERS,
    MANIFEST_SIGNATURE,
    PARTS_MISSING,
    UploadRejectedError,
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
    from app.sealed.models import SealedPiece
    from app.security.actor import Actor


# Of a manifest: all who may sign it are one person, who commits.
MANIFEST_KIND: Final = "manifest"


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """A commit whose manifest fits: what the parts must add up to, and the parts themselves, in order."""

    upload: str
    signed: SignedManifest
    expected: ExpectedContainer
    parts: Pieces

    @property
    def manifest(self) -> Manifest:
        """What is signed."""
        return self.signed.manifest


def prepare_commit(
    session: Session, broker: Broker, actor: Actor, upload: str, signed: SignedManifest
) -> PendingCommit | Receipt:
    """Check the manifest against upload and terms; where this manifest is committed, return its receipt.

    Raises:
        NotFoundError, upload-closed, NotInForceError, not-a-provider, parts-missing.
        round-closed, already-uploaded: the round takes no container of this party for this partner now.
        UploadRejectedError: the manifest does not fit; the rule is its code.
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
    digests = digests_of(session, upload, PART_KIND)
    if len(digests) != parts_of(found).n_parts:
        raise RefusedError(PARTS_MISSING, "Not all parts of the upload are stored.")
    check(session, found, manifest, terms, now.date())
    check_root(list(digests.values())[1:], manifest)
    _refuse_again(session, upload, manifest)
    parts = open_pieces(session, broker, upload, PART_KIND)
    return PendingCommit(upload, signed, expected_of(found, terms), parts)


def check_parts(broker: Broker, pending: PendingCommit) -> SealedPiece:
    """Stream through the sealed parts; return a piece that holds the first token of each part of rows.

    Raises:
        UploadRejectedError: at the first rule that is broken.
    """
    pieces = iter(pending.parts)
    header = read_head(next(pieces), pending.expected)
    if header.root != pending.manifest.root:
        raise UploadRejectedError(HEADER_DIFFERS, "The header's root is not the manifest's.")
    expected = pending.expected
    handles, rows = HandleCheck(), PartRows(expected)
    buckets = BucketCheck(expected.bucket or 0, expected.parts.records)
    for number, piece in enumerate(pieces, start=1):
        if number > expected.parts.n_table:
            rows.add(piece)
            continue
        handles.add(handles_in(piece))
        if expected.bucket is not None:
            buckets.add(handles_in(piece))
    buckets.finish()
    rows.finish()
    return put_piece(broker, pending.upload, INDEX_KIND, 0, b"".join(rows.first_tokens))


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
        round-closed, already-uploaded: it is not so.
    """
    pair = open_pair(session, upload.project, upload.round, upload.party, upload.partner)
    if own_root(pair, upload.party) is not None:
        raise RefusedError(
            ALREADY_UPLOADED, "The party's container for this partner and round is committed."
        )
    return pair


def require_signed(session: Session, actor: Actor, signed: SignedManifest) -> None:
    """Check that exactly the person who commits has signed; raises manifest-signature."""
    if len(signed.signatures) != 1:
        raise UploadRejectedError(
            MANIFEST_SIGNATURE, "A manifest has one signature: of the person who commits it."
        )
    try:
        require_signature(session, actor, MANIFEST_KIND, signed.manifest, signed.signatures[0])
    except SignatureRefusedError as exc:
        raise UploadRejectedError(MANIFEST_SIGNATURE, exc.detail) from exc


def check(
    session: Session, upload: Upload, manifest: Manifest, terms: TermsInForce, today: date
) -> None:
    """Check a manifest against upload, terms and the partner's container; raises UploadRejectedError."""
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
