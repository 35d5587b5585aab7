"""Before an upload is committed: its manifest is checked against the terms, its parts against the manifest.

Two steps: what can be told without the parts is told at once; then the parts are streamed through outside any
transaction, under a lease (`app.uploads.checks`). What follows, in a unit of work of its own, stands in
`app.uploads.acceptance`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, terms_in_force
from app.agreements.signers import refuse_stranger, require_duty, require_signature
from app.broker import Broker
from app.clock import utc_text
from app.errors import REQUEST_UNSIGNED, RefusedError, SignatureRefusedError
from app.matchlog.signers import elsewhere, other_agreement
from app.rounds.models import RoundPairing
from app.rounds.service import open_pair, own_root, partner_root
from app.sealed.models import SealedPiece
from app.sealed.objects import digests_of, put_piece
from app.security.actor import Actor
from app.uploads import checks, repository
from app.uploads.checks import AskedCommit, PendingCommit
from app.uploads.errors import (
    ALREADY_UPLOADED,
    HEADER_DIFFERS,
    MANIFEST_SIGNATURE,
    PARTS_MISSING,
    UPLOAD_CLOSED,
    UploadRejectedError,
    rejection_of,
)
from app.uploads.manifests import check_manifest, check_root
from app.uploads.models import Upload
from app.uploads.parts import BucketCheck, HandleCheck, PartRows, handles_in, read_head
from app.uploads.service import (
    INDEX_KIND,
    PART_KIND,
    manifest_of,
    parts_of,
    refuse_closed,
    upload_for,
)
from schemas.api.logged_requests import body_digest, is_in_place
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.rounds.upload import Manifest, SignedManifest
from schemas.signing.signed_request import SignedRequest

# Of a manifest: all who may sign it are one person, who commits.
MANIFEST_KIND: Final = "manifest"


def ask_commit(
    session: Session, broker: Broker, actor: Actor, upload: str, signed: SignedManifest
) -> Upload:
    """Check the manifest against upload and terms, and let the parts be checked; return the upload as it is.

    Where this manifest is being checked, or committed, nothing is begun.

    Raises:
        NotFoundError, upload-closed, NotInForceError, not-a-provider, parts-missing.
        UploadRejectedError: the manifest does not fit; the rule is its code.
        UnavailableError: another manifest is being checked for the upload.
    """
    found = upload_for(session, actor, upload, lock=True)
    manifest = signed.manifest
    if found.state == "committed":
        refuse_other(found, manifest)
        return found
    if found.state == "checking":
        checks.refuse_other(found, manifest)
        return found
    now = broker.clock()
    refuse_closed(found, utc_text(now))
    terms = terms_in_force(session, found.project, now)
    refuse_stranger(terms, actor.party)
    require_duty(actor, "analyst")
    pair = open_pair_of(session, found, now)
    # Before the manifest is looked at: the match log notes each that is refused, so it has to cost an upload.
    digests = digests_of(session, upload, PART_KIND)
    if len(digests) != parts_of(found).n_parts:
        raise RefusedError(PARTS_MISSING, "Not all parts of the upload are stored.")
    require_signed(session, actor, signed)
    asked = _require_asked(broker, actor, signed, terms)
    check(session, found, manifest, terms, pair=pair, today=now.date())
    check_root(list(digests.values())[1:], manifest)
    _refuse_again(session, upload, manifest)
    checks.begin(session, found, AskedCommit.of(signed, actor, asked), now)
    return found


def check_parts(broker: Broker, pending: PendingCommit, note: Callable[[int], None]) -> SealedPiece:
    """Stream through the sealed parts; return a piece that holds the first token of each part of rows.

    Args:
        note: told after each part how many were read; what it raises ends the check.
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
        note(number)
        if number > expected.parts.n_table:
            rows.add(piece)
            continue
        handles.add(handles_in(piece))
        if expected.bucket is not None:
            buckets.add(handles_in(piece))
    buckets.finish()
    rows.finish()
    return put_piece(broker, pending.hold.upload, INDEX_KIND, 0, b"".join(rows.first_tokens))


def refuse_other(upload: Upload, manifest: Manifest) -> None:
    """Raise upload-closed where a committed upload was committed with another manifest."""
    if upload.manifest_sha256 != manifest.digest():
        raise RefusedError(UPLOAD_CLOSED, "The upload is committed with another manifest.")


def _refuse_again(session: Session, upload: str, manifest: Manifest) -> None:
    """Refuse a manifest as before: the parts stay as they are, so they need not be read once more."""
    digest = manifest.digest()
    for row in repository.rejections(session, upload):
        rejection = rejection_of(row.rule, row.detail, row.clause)
        if row.manifest_sha256 == digest and rejection.is_lasting:
            raise rejection


def open_pair_of(session: Session, upload: Upload, now: datetime) -> RoundPairing:
    """Return the pair that an upload is for, in a round that is open and has no such container yet."""
    pair = open_pair(session, upload.project, upload.round, upload.party, upload.partner, now=now)
    if own_root(pair, upload.party) is not None:
        raise RefusedError(
            ALREADY_UPLOADED, "The party's container for this partner and round is committed."
        )
    return pair


def require_signed(session: Session, actor: Actor, signed: SignedManifest) -> None:
    """Check that exactly the person who commits has signed; raises manifest-signature."""
    if len(signed.signatures) != 1:
        raise UploadRejectedError(
            MANIFEST_SIGNATURE,
            "A manifest needs exactly one signature: that of the person who commits it.",
        )
    try:
        require_signature(session, actor, MANIFEST_KIND, signed.manifest, signed.signatures[0])
    except SignatureRefusedError as exc:
        raise UploadRejectedError(MANIFEST_SIGNATURE, exc.detail) from exc


def _require_asked(
    broker: Broker, actor: Actor, signed: SignedManifest, terms: TermsInForce
) -> SignedRequest:
    """Return the request as it was signed, if it states this manifest, and is made here.

    The log would look at that last, when all parts have been read for nothing.
    """
    digest = body_digest(UploadReceived.of(signed))
    if actor.signed is None or actor.signed.request.sha256 != digest:
        raise RefusedError(
            REQUEST_UNSIGNED,
            "The signed request does not state what the log would say of the upload.",
        )
    request = actor.signed.request
    if not is_in_place(request, broker.log.key.name, terms.terms.project):
        raise elsewhere()
    if request.agreement != terms.digest:
        raise other_agreement()
    return actor.signed


def check(
    session: Session,
    upload: Upload,
    manifest: Manifest,
    terms: TermsInForce,
    *,
    pair: RoundPairing,
    today: date,
) -> None:
    """Check a manifest against upload, terms and the partner's container; raises UploadRejectedError."""
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
