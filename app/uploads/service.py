"""Opening an upload, and what others may ask about uploads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, project_for, terms_in_force, visible
from app.agreements.signers import refuse_stranger, require_duty
from app.broker import Broker
from app.clock import utc_text
from app.db import NEWEST, Window, add_if_alone, is_ahead
from app.errors import RefusedError
from app.matchlog.proofs import entry_proof
from app.rounds.service import open_pair, own_root, side_of
from app.sealed.objects import NewObject, digests_of
from app.security.actor import Actor
from app.uploads import repository
from app.uploads.ending import expire
from app.uploads.errors import (
    ALREADY_UPLOADED,
    CONTAINER_SIZE,
    KEY_REUSED,
    NOT_COMMITTED,
    OTHER_EPOCH,
    OTHER_KEY,
    OTHER_PROFILE,
    TOO_FEW_RECORDS,
    TOO_MANY_RECORDS,
    TOO_MANY_UPLOADS,
    UPLOAD_CLOSED,
    UploadRejectedError,
)
from app.uploads.models import Upload
from app.uploads.parts import ExpectedContainer
from schemas.agreement.agreement import ProjectTerms
from schemas.api.bodies import UploadList, UploadRequest, UploadView
from schemas.documents.ids import HANDLE_BYTES
from schemas.documents.problem import Problem
from schemas.linkage.profile import Side
from schemas.linkage.row_layout import STORED_ROW_BYTES
from schemas.rounds.receipt import Receipt
from schemas.rounds.upload import Manifest, Parts

OPEN_HOURS: Final = 24
# Of a party for a partner in a round, as far as something is left of them: a legal hold keeps it on disks that
# are everybody's.
MAX_REPLACED: Final = 8
PART_KIND: Final = "upload-part"
INDEX_KIND: Final = "upload-token-index"


def opened_before(
    session: Session,
    broker: Broker,
    actor: Actor,
    project: str,
    request: UploadRequest,
    *,
    idempotency_key: str | None = None,
) -> Upload | None:
    """Return the open upload of the same container, to be resumed; None: a new one may be opened."""
    project_for(session, actor, project)
    answered = _answered_before(session, actor, project, request, idempotency_key)
    if answered is not None:
        return answered
    now = broker.clock()
    terms = terms_in_force(session, project, now)
    refuse_stranger(terms, actor.party)
    require_duty(actor, "analyst")
    pair = open_pair(session, project, request.round, actor.party, request.partner, now=now)
    if own_root(pair, actor.party) is not None:
        raise RefusedError(
            ALREADY_UPLOADED,
            "The party's container for this partner and round is committed.",
            hint="where it was wrong, ask for a correction: the next round takes this one's place",
        )
    _check_request(session, terms, request, side_of(pair, actor.party), actor.party)
    broker.blobs.refuse_when_full()
    earlier = repository.find_open(session, actor, project, request.partner)
    if earlier is not None and _is_same_container(earlier, request, utc_text(now)):
        return earlier
    # Not before: what is there already of one that is resumed needs no room again.
    broker.blobs.refuse_beyond(request.container_bytes)
    place = (project, request.round, actor.party, request.partner)
    if repository.count_replaced(session, *place) >= MAX_REPLACED:
        raise RefusedError(
            TOO_MANY_UPLOADS,
            f"The party has replaced {MAX_REPLACED} uploads for this partner and round.",
            hint="go on with the one that is open; what was replaced goes once no legal hold keeps it",
        )
    return None


def open_upload(
    session: Session,
    broker: Broker,
    actor: Actor,
    project: str,
    request: UploadRequest,
    *,
    sealed: NewObject,
    idempotency_key: str | None = None,
) -> Upload:
    """Open an upload, or return the one that is to be resumed.

    A party has one open upload for a partner: opening one for another container ends it.
    """
    found = opened_before(session, broker, actor, project, request, idempotency_key=idempotency_key)
    if found is not None:
        return found
    earlier = repository.find_open(session, actor, project, request.partner)
    if earlier is not None:
        expire(session, earlier)
    now = broker.clock()
    upload = Upload(
        id=sealed.id,
        project=project,
        party=actor.party,
        person=actor.person,
        state="open",
        **request.model_dump(),
        created=utc_text(now),
        expires=utc_text(now + timedelta(hours=OPEN_HOURS)),
        idempotency_key=idempotency_key,
        request_sha256=request.digest(),
    )
    if add_if_alone(session, upload):
        sealed.keep(session)
        return upload
    winner = _answered_before(session, actor, project, request, idempotency_key)
    if winner is None:
        raise RefusedError(
            UPLOAD_CLOSED, "Another upload of this party was opened at the same moment."
        )
    return winner


def upload_for(session: Session, actor: Actor, upload: str, *, lock: bool = False) -> Upload:
    """Return an upload that the actor may see."""
    return visible(session, actor, repository.find_upload(session, actor, upload, lock=lock))[0]


def upload_list(
    session: Session, actor: Actor, project: str, window: Window = NEWEST
) -> UploadList:
    """Return a piece of the project's uploads that the actor may see, newest first; an agency sees its own."""
    project_for(session, actor, project)
    found = repository.uploads_of_project(session, actor, project, window)
    return UploadList(uploads=tuple(map(view_of, found)))


def upload_in(session: Session, actor: Actor, project: str, upload: str) -> Upload:
    """Return an upload of a project that the actor may see, as `upload_for`."""
    if is_ahead(session, project):
        project_for(session, actor, project)
        for found in repository.recent_uploads(session, actor, project):
            if found.id == upload:
                return found
    return upload_for(session, actor, upload)


def present_uploads(session: Session, actor: Actor, project: str) -> Sequence[Upload]:
    """Return the project's uploads of which something may still be there, that the actor may see."""
    project_for(session, actor, project)
    return repository.present_of_project(session, actor, project)


def uploaders_of(session: Session, uploads: Sequence[str]) -> frozenset[str]:
    """Return the persons who sent these uploads."""
    found = (repository.get_upload(session, upload) for upload in uploads)
    return frozenset(upload.person for upload in found if upload is not None)


def view_of(upload: Upload) -> UploadView:
    """Return what the wire says of an upload."""
    refusal = upload.refusal
    return UploadView.from_row(
        upload,
        upload=upload.id,
        parts=parts_of(upload).n_parts,
        checked=upload.checked,
        refusal=None if refusal is None else Problem.from_canonical(refusal.encode()),
    )


def manifest_of(upload: Upload) -> Manifest | None:
    """Return the manifest that an upload was committed with; None before that."""
    return None if upload.manifest is None else Manifest.from_canonical(upload.manifest.encode())


def parts_of(upload: Upload) -> Parts:
    """Return how an upload is cut."""
    return Parts(upload.head_bytes, upload.records, upload.rows)


def expected_of(upload: Upload, terms: TermsInForce) -> ExpectedContainer:
    """Return what the container of an upload must be."""
    larger, _ = terms.terms.pair(upload.party, upload.partner)
    side: Side = "larger" if upload.party == larger else "smaller"
    return ExpectedContainer(
        header={
            "project": upload.project,
            "epoch": upload.epoch,
            "round": upload.round,
            "party": upload.party,
            "partner": upload.partner,
            "side": side,
            "profile": upload.profile,
            "key_id": upload.key_id,
            "records": upload.records,
            "rows": upload.rows,
        },
        sha256=upload.container_sha256,
        parts=parts_of(upload),
        profile=terms.profile,
        side=side,
        bucket=bucket_of(terms.terms, upload),
    )


def bucket_of(terms: ProjectTerms, upload: Upload) -> int | None:
    """Return how many records a bucket of an upload's handles needs; None where its partner does not review."""
    review = terms.review
    return None if review is None or review.reviewer != upload.partner else review.bucket


def part_numbers(session: Session, actor: Actor, upload: str) -> tuple[int, ...]:
    """Return the numbers of an upload's stored parts, in increasing order."""
    found = upload_for(session, actor, upload)
    return tuple(digests_of(session, found.id, PART_KIND))


def pair_uploads(
    session: Session, project: str, number: int, larger: str, smaller: str
) -> tuple[Upload, Upload] | None:
    """Return a pair's committed uploads of a round, the larger file's first; None: one is missing or gone."""
    first = repository.committed_for(session, project, number, larger, smaller)
    second = repository.committed_for(session, project, number, smaller, larger)
    return None if first is None or second is None else (first, second)


def has_committed(session: Session, project: str, number: int, party: str, partner: str) -> bool:
    """Tell whether a party's container for a partner and round is committed, and still there."""
    return repository.committed_for(session, project, number, party, partner) is not None


def refuse_closed(upload: Upload, now: str) -> None:
    """Raise upload-closed where the upload takes nothing more."""
    if upload.state == "expired":
        raise RefusedError(
            UPLOAD_CLOSED,
            "The upload has ended: it was not committed in time, or your agency has opened another one for the"
            " same partner and round since, perhaps from a second copy of the workspace.",
        )
    if upload.state != "open":
        raise RefusedError(UPLOAD_CLOSED, f"The upload is {upload.state}.")
    if upload.expires <= now:
        raise RefusedError(UPLOAD_CLOSED, "The upload was not committed in time.")


def _answered_before(
    session: Session, actor: Actor, project: str, request: UploadRequest, key: str | None
) -> Upload | None:
    """Return what the same request with the same Idempotency-Key opened; None if it is new."""
    if key is None:
        return None
    earlier = repository.find_by_idempotency_key(session, actor, project, key)
    if earlier is not None and earlier.request_sha256 != request.digest():
        raise RefusedError(
            KEY_REUSED, "This Idempotency-Key was already used for a different request."
        )
    return earlier


def _is_same_container(upload: Upload, request: UploadRequest, now: str) -> bool:
    return upload.request_sha256 == request.digest() and upload.expires > now


def refuse_size(agreed: ProjectTerms, party: str, records: int) -> None:
    """Check that a file has as many records as agreed."""
    size = agreed.file_size(party)
    if records < size.least:
        raise UploadRejectedError(
            TOO_FEW_RECORDS, "There are fewer records than agreed.", clause="files"
        )
    if records > size.most:
        raise UploadRejectedError(
            TOO_MANY_RECORDS, "There are more records than agreed.", clause="files"
        )


def _check_request(
    session: Session, terms: TermsInForce, request: UploadRequest, side: Side, party: str
) -> None:
    agreed = terms.terms
    if request.epoch != agreed.epoch:
        raise UploadRejectedError(OTHER_EPOCH, "The project is in another epoch.", clause="epoch")
    if request.profile != agreed.profile:
        raise UploadRejectedError(
            OTHER_PROFILE, "The project has another encoding profile.", clause="profile"
        )
    key_id = repository.epoch_key_id(session, agreed.project, agreed.epoch)
    if key_id is not None and key_id != request.key_id:
        raise UploadRejectedError(
            OTHER_KEY, "The project's encodings are made with another secret."
        )
    # A former holder of the secret knows that of the epoch before.
    if repository.epoch_of_key(session, agreed.project, request.key_id) not in (None, agreed.epoch):
        raise UploadRejectedError(OTHER_KEY, "This is the secret of another epoch.")
    refuse_size(agreed, party, request.records)
    body = request.records * HANDLE_BYTES + request.rows * STORED_ROW_BYTES
    is_whole = request.container_bytes == request.head_bytes + body
    if request.rows != request.records * terms.profile.rows(side) or not is_whole:
        raise UploadRejectedError(
            CONTAINER_SIZE, "The container's length does not fit its number of records."
        )


def receipt_for(session: Session, actor: Actor, upload: str) -> Receipt:
    """Return the receipt of a committed upload; it outlives the encodings."""
    return receipt_of(session, upload_for(session, actor, upload))


def receipt_of(session: Session, upload: Upload) -> Receipt:
    """Return the receipt of an upload."""
    if upload.entry is None:
        raise RefusedError(
            NOT_COMMITTED, "The upload is not committed, so there is no receipt yet."
        )
    # Always under the checkpoint of its own batch, so that asking again gives the same receipt.
    return entry_proof(session, upload.entry, upload.entry_size).to_receipt(upload.id)
