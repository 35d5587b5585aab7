"""Uploads over HTTP: open, send parts, get the receipt. Committing may start a run: see `app.runs`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header

from app.db import Window
from app.http.access import CurrentActor
from app.http.body import json_body, raw_body
from app.http.paths import Before, PartNumber, ProjectPath, UploadPath
from app.ids import new_id
from app.sealed.objects import NewObject
from app.uploads import part_storage, service
from app.uploads.parts import parse_content_digest
from app.wired import WiredBroker
from schemas.api.bodies import PartList, PartStored, UploadList, UploadRequest, UploadView
from schemas.documents.ids import UPLOAD_PREFIX
from schemas.rounds.receipt import Receipt

router = APIRouter()

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", pattern=r"^[!-~]{1,128}$", min_length=1, max_length=128),
]
ContentDigest = Annotated[str | None, Header(alias="Content-Digest", max_length=200)]


@router.post("/v1/projects/{project}/uploads", status_code=201)
def open_upload(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    request: Annotated[UploadRequest, json_body(UploadRequest)],
    idempotency_key: IdempotencyKey = None,
) -> UploadView:
    """Open an upload, or resume the open one of the same container; another open one for the partner ends."""
    with broker.database.read() as session:
        found = service.opened_before(
            session, broker, actor, project, request, idempotency_key=idempotency_key
        )
        if found is not None:
            return service.view_of(found)
    with NewObject(broker, new_id(UPLOAD_PREFIX)) as sealed, broker.database.write() as session:
        upload = service.open_upload(
            session, broker, actor, project, request, sealed=sealed, idempotency_key=idempotency_key
        )
        return service.view_of(upload)


@router.get("/v1/projects/{project}/uploads")
def list_uploads(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, before: Before = None
) -> UploadList:
    """List the project's uploads, newest first; an agency sees its own."""
    with broker.database.read() as session:
        return service.upload_list(session, actor, project, Window(before))


@router.get("/v1/uploads/{upload}")
def show_upload(broker: WiredBroker, actor: CurrentActor, upload: UploadPath) -> UploadView:
    """Show one upload."""
    with broker.database.read() as session:
        return service.view_of(service.upload_for(session, actor, upload))


@router.get("/v1/uploads/{upload}/parts")
def list_parts(broker: WiredBroker, actor: CurrentActor, upload: UploadPath) -> PartList:
    """List the numbers of the parts that are stored; the others are still to be sent."""
    with broker.database.read() as session:
        return PartList(stored=service.part_numbers(session, actor, upload))


def _visible_upload(broker: WiredBroker, actor: CurrentActor, upload: UploadPath) -> None:
    """Let nobody send a part of an upload that is not theirs to see."""
    with broker.database.read() as session:
        service.upload_for(session, actor, upload)


@router.put("/v1/uploads/{upload}/parts/{number}", dependencies=[Depends(_visible_upload)])
def put_part(
    *,
    broker: WiredBroker,
    actor: CurrentActor,
    upload: UploadPath,
    number: PartNumber,
    part: Annotated[bytes, raw_body("application/octet-stream")],
    content_digest: ContentDigest = None,
) -> PartStored:
    """Store one part durably; sending the same bytes again changes nothing, other bytes are refused."""
    sha256 = parse_content_digest(content_digest)
    with broker.database.read() as session:
        place = part_storage.place_of_part(
            session, broker, actor, upload, number=number, sha256=sha256
        )
    part_storage.check_part(place, part, sha256)
    if not place.is_stored:
        piece = part_storage.seal_part(broker, place, part, sha256)
        is_kept = False
        try:
            with broker.database.write() as session:
                is_kept = part_storage.keep_part(session, broker, actor, place, piece)
        finally:
            # Not where the commit itself failed: it may have reached the database. The sweep finds out.
            if not is_kept:
                broker.blobs.delete(piece.blob)
    return PartStored(part=number, sha256=sha256)


@router.get("/v1/uploads/{upload}/receipt")
def show_receipt(broker: WiredBroker, actor: CurrentActor, upload: UploadPath) -> Receipt:
    """Give the receipt of a committed upload."""
    with broker.database.read() as session:
        return service.receipt_for(session, actor, upload)
