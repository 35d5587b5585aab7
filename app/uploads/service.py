"""Opening an upload, storing its parts, and what others may ask about uploads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from app.agreements.service import project_for, terms_in_force
from app.agreements.signers import require_duty
from app.clock import utc_text
from app.db import NEWEST, Window, add_if_alone
from app.errors import NotFoundError
from app.ids import new_id
from app.security.at_rest import seal
from app.uploads import repository
from app.uploads.errors import (
    KeyReusedError,
    NotProviderError,
    OtherEpochError,
    OtherKeyError,
    OtherProfileError,
    PartDiffersError,
    TooManyRecordsError,
    UploadClosedError,
)
from app.uploads.models import Upload, UploadPart
from app.uploads.parts import n_parts, part_length
from schemas.api import UploadList, UploadRequest, UploadView
from schemas.ids import HANDLE_BYTES, UPLOAD_PREFIX
from schemas.upload import MAX_HEADER_BYTES, VARIANT_BYTES, Manifest

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.broker import Broker
    from app.security.actor import Actor

OPEN_HOURS: Final = 24
PART_KIND: Final = "upload-part"


def open_upload(
    session: Session,
    broker: Broker,
    actor: Actor,
    project: str,
    request: UploadRequest,
    *,
    idempotency_key: str | None = None,
) -> Upload:
    """Open an upload, or return the open one of the same container, to be resumed.

    A party has one open upload in a project: opening one for another container ends it.

    Raises:
        NotFoundError: no such project, or not the caller's.
        NotInForceError, NotProviderError, OtherEpochError, OtherProfileError, OtherKeyError,
        TooManyRecordsError: the terms do not allow such an upload.
        KeyReusedError: the Idempotency-Key came with another request before.
        StorageFullError: the disk is nearly full.
    """
    project_for(session, actor, project)
    answered = _answered_before(session, actor, project, request, idempotency_key)
    if answered is not None:
        return answered
    now = broker.clock()
    terms = terms_in_force(session, project, now)
    refuse_stranger(terms, actor.party)
    require_duty(actor, terms, "analyst")
    _check_request(session, terms, request)
    broker.blobs.refuse_when_full()
    earlier = repository.find_open(session, actor, project)
    if earlier is not None and _is_same_container(earlier, request, utc_text(now)):
        return earlier
    if earlier is not None:
        earlier.state = "expired"
        session.flush()
    upload = Upload(
        id=new_id(UPLOAD_PREFIX),
        project=project,
        party=actor.party,
        person=actor.person,
        state="open",
        **request.model_dump(),
        part_bytes=broker.settings.part_bytes,
        created=utc_text(now),
        expires=utc_text(now + timedelta(hours=OPEN_HOURS)),
        idempotency_key=idempotency_key,
        request_sha256=request.digest(),
    )
    # The key is durable before the row that needs it.
    broker.keystore.create(upload.id)
    if add_if_alone(session, upload):
        return upload
    broker.keystore.destroy(upload.id)
    winner = _answered_before(session, actor, project, request, idempotency_key)
    if winner is None:
        raise UploadClosedError("Another upload of this party was opened at the same moment.")
    return winner


def refuse_stranger(terms: TermsInForce, party: str) -> None:
    """Raise NotProviderError where the terms do not name the party as a provider."""
    if party not in terms.terms.providers:
        raise NotProviderError(
            "The terms do not name this party as a provider.", clause="providers"
        )


def upload_for(session: Session, actor: Actor, upload: str, *, lock: bool = False) -> Upload:
    """Return an upload that the actor may see.

    Raises:
        NotFoundError: there is none, or it is not the caller's to see: both alike.
    """
    found = repository.find_upload(session, actor, upload, lock=lock)
    if found is None:
        raise NotFoundError("There is nothing here.")
    project_for(session, actor, found.project)
    return found


def upload_list(
    session: Session, actor: Actor, project: str, now: str, window: Window = NEWEST
) -> UploadList:
    """Return a piece of the project's uploads that the actor may see, newest first, and whose a run waits for.

    An agency sees its own.

    Raises:
        NotFoundError: no such project, or not the caller's; no such upload to look on from.
    """
    terms = project_for(session, actor, project).terms
    ready = repository.parties_with_encodings(session, project, terms.epoch, now)
    return UploadList(
        uploads=tuple(map(view_of, repository.uploads_of_project(session, actor, project, window))),
        waiting_for=tuple(party for party in terms.providers if party not in ready),
    )


def held_uploads(session: Session, actor: Actor, project: str) -> Sequence[Upload]:
    """Return the project's uploads of which something may still be there, that the actor may see.

    Raises:
        NotFoundError: no such project, or not the caller's.
    """
    project_for(session, actor, project)
    return repository.unshredded_of_project(session, actor, project)


def uploaders_of(session: Session, uploads: Sequence[str]) -> frozenset[str]:
    """Return the persons who sent these uploads."""
    found = (repository.get_upload(session, upload) for upload in uploads)
    return frozenset(upload.person for upload in found if upload is not None)


def view_of(upload: Upload) -> UploadView:
    """Return what the wire says of an upload."""
    return UploadView(
        upload=upload.id,
        project=upload.project,
        party=upload.party,
        state=upload.state,  # type: ignore[arg-type]  # the column holds only these
        part_bytes=upload.part_bytes,
        parts=n_parts(upload.container_bytes, upload.part_bytes),
        container_sha256=upload.container_sha256,
        container_bytes=upload.container_bytes,
        records=upload.records,
        encodings=upload.encodings,
        created=upload.created,
        committed=upload.committed,
    )


def manifest_of(upload: Upload) -> Manifest | None:
    """Return the manifest that an upload was committed with; None before that."""
    return None if upload.manifest is None else Manifest.from_canonical(upload.manifest.encode())


@dataclass(frozen=True, slots=True)
class PartPlace:
    """Where a part belongs, and its length in bytes; `is_stored` says that the same bytes are there already."""

    upload: str
    number: int
    length: int
    is_stored: bool


def place_of_part(
    session: Session, broker: Broker, actor: Actor, upload: str, *, number: int, sha256: str
) -> PartPlace:
    """Return where a part belongs, before its bytes are looked at.

    Raises:
        NotFoundError, NotInForceError, NotProviderError, UploadClosedError, UnknownPartError,
        PartDiffersError: it belongs nowhere.
    """
    found = upload_for(session, actor, upload)
    terms = terms_in_force(session, found.project, broker.clock())
    refuse_stranger(terms, actor.party)
    require_duty(actor, terms, "analyst")
    stored = repository.find_part(session, upload, number)
    if stored is not None and stored.sha256 != sha256:
        raise PartDiffersError("Other bytes are stored for this part already.")
    if stored is None:
        refuse_closed(found, utc_text(broker.clock()))
    length = part_length(number, found.container_bytes, found.part_bytes)
    return PartPlace(upload, number, length, is_stored=stored is not None)


def seal_part(broker: Broker, place: PartPlace, body: bytes) -> str:
    """Store a part sealed; returns its blob, which is durable, but which no row names yet.

    Raises:
        StorageFullError: the disk is nearly full.
    """
    key = broker.keystore.open(place.upload)
    return broker.blobs.put(seal(key, PART_KIND, place.upload, place.number, body))


def keep_part(
    session: Session, broker: Broker, actor: Actor, place: PartPlace, *, sha256: str, blob: str
) -> bool:
    """Record a sealed part, or return False where the same part came twice at once: the first one stays.

    Every sealing draws a nonce, so no other row names this blob.

    Raises:
        UploadClosedError, PartDiffersError: the upload was closed, or other bytes were first.
    """
    found = upload_for(session, actor, place.upload, lock=True)
    refuse_closed(found, utc_text(broker.clock()))
    stored = repository.find_part(session, place.upload, place.number)
    if stored is None:
        part = UploadPart(upload=place.upload, number=place.number, sha256=sha256, blob=blob)
        session.add(part)
    elif stored.sha256 != sha256:
        raise PartDiffersError("Other bytes are stored for this part already.")
    return stored is None


def part_numbers(session: Session, actor: Actor, upload: str) -> tuple[int, ...]:
    """Return the numbers of an upload's stored parts, in increasing order."""
    found = upload_for(session, actor, upload)
    return tuple(part.number for part in repository.stored_parts(session, found.id))


def newest_of_providers(session: Session, terms: TermsInForce, now: str) -> dict[str, Upload]:
    """Return the newest committed upload of each provider of the epoch; who has none is missing.

    What is past its keeping time counts as gone, even before the sweeper comes.
    """
    agreed = terms.terms
    newest = {
        party: repository.newest_committed(session, agreed.project, agreed.epoch, party)
        for party in agreed.providers
    }
    return {
        party: upload
        for party, upload in newest.items()
        if upload is not None and upload.keep_until is not None and upload.keep_until > now
    }


def refuse_closed(upload: Upload, now: str) -> None:
    """Raise UploadClosedError where the upload takes nothing more."""
    if upload.state != "open":
        raise UploadClosedError(f"The upload is {upload.state}.")
    if upload.expires <= now:
        raise UploadClosedError("The upload was not committed in time.")


def _answered_before(
    session: Session, actor: Actor, project: str, request: UploadRequest, key: str | None
) -> Upload | None:
    """Return what the same request with the same Idempotency-Key opened; None if it is new."""
    if key is None:
        return None
    earlier = repository.find_by_idempotency_key(session, actor, project, key)
    if earlier is not None and earlier.request_sha256 != request.digest():
        raise KeyReusedError("This Idempotency-Key came with another request before.")
    return earlier


def _is_same_container(upload: Upload, request: UploadRequest, now: str) -> bool:
    return upload.request_sha256 == request.digest() and upload.expires > now


def _check_request(session: Session, terms: TermsInForce, request: UploadRequest) -> None:
    agreed = terms.terms
    if request.epoch != agreed.epoch:
        raise OtherEpochError("The project is in another epoch.", clause="epoch")
    if request.profile != agreed.profile:
        raise OtherProfileError("The project has another encoding profile.", clause="profile")
    key_id = repository.epoch_key_id(session, agreed.project, agreed.epoch)
    if key_id is not None and key_id != request.key_id:
        raise OtherKeyError("The project's encodings are made with another secret.")
    record_bytes = HANDLE_BYTES + VARIANT_BYTES + terms.profile.encoding_bytes
    most = agreed.max_records * agreed.max_variants * record_bytes + 2 * MAX_HEADER_BYTES
    if request.container_bytes > most:
        raise TooManyRecordsError(
            "The container is larger than the terms allow.", clause="max-records"
        )
