"""What anyone of a project may check without trusting the broker, under the paths of C2SP tlog-tiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from app.evidence import service, witnesses
from app.evidence.service import parse_tile_path
from app.http.access import CurrentActor
from app.http.body import json_body
from app.wired import WiredBroker
from schemas.api.bodies import CosignatureRequest, CosignatureStored, LogCheckpoint
from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.ids import NAME_PATTERN
from schemas.matchlog.bundle import MEDIA_TYPE

router = APIRouter()

BYTES: Final = "application/octet-stream"
CHUNK_BYTES: Final = 64 * 1024


def _binary(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}}


OldSize = Annotated[int, Query(ge=0, le=MAX_INTEGER)]
TilePath = Annotated[str, Path(max_length=60)]
ProjectQuery = Annotated[str | None, Query(pattern=NAME_PATTERN, min_length=2, max_length=40)]


@router.get("/v1/log/checkpoint")
def show_checkpoint(broker: WiredBroker, old: OldSize = 0) -> LogCheckpoint:
    """Give the newest checkpoint, with the proof that it continues the log of `old` entries."""
    with broker.database.read() as session:
        return service.checkpoint_since(session, old)


@router.post("/v1/log/cosignatures")
def cosign(
    broker: WiredBroker,
    actor: CurrentActor,
    request: Annotated[CosignatureRequest, json_body(CosignatureRequest)],
) -> CosignatureStored:
    """Take a witness's signature over a checkpoint; a later one over the same takes its place."""
    with broker.database.write() as session:
        return witnesses.receive_cosignature(session, broker, actor, request)


@router.get("/v1/log/key", response_class=PlainTextResponse)
def show_key(broker: WiredBroker) -> str:
    """Give the key that verifies the newest checkpoint, as one line; compare it by another way."""
    with broker.database.read() as session:
        return f"{service.newest_key(session)}\n"


@router.get("/v1/log/tile/{tile:path}", response_class=Response, responses=_binary(BYTES))
def show_tile(
    broker: WiredBroker, actor: CurrentActor, tile: TilePath, project: ProjectQuery = None
) -> Response:
    """Give a tile of hashes, or of a project's entries, as C2SP tlog-tiles lays them out."""
    wanted, entries = parse_tile_path(tile)
    with broker.database.read() as session:
        content = service.read_tile(session, actor, wanted, project, entries=entries)
    return Response(content, media_type=BYTES)


@router.get("/v1/log/bundle", response_class=StreamingResponse, responses=_binary(MEDIA_TYPE))
def export_log(
    broker: WiredBroker, actor: CurrentActor, project: ProjectQuery = None
) -> StreamingResponse:
    """Hand out the log as one file; that it was handed out is logged first."""
    bundle = service.write_bundle(broker, actor, project)
    return StreamingResponse(_chunks(bundle), media_type=MEDIA_TYPE)


def _chunks(bundle: IO[bytes]) -> Iterator[bytes]:
    with bundle:
        while chunk := bundle.read(CHUNK_BYTES):
            yield chunk
