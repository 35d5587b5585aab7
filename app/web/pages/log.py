"""The match log as a whole, and one entry with its proof, which the browser recomputes."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from sqlalchemy.orm import Session

from app.clock import parse_utc
from app.errors import NotFoundError
from app.evidence.endpoints import BYTES, OldSize, TilePath
from app.evidence.service import (
    LogState,
    checkpoint_since,
    entry_evidence,
    log_fault,
    log_state,
    parse_tile_path,
    read_tile,
)
from app.http.access import CurrentActor
from app.matchlog.proofs import checkpoint_of, log_key_at, recent_checkpoints
from app.web.answer import WiredPage, page_route
from app.web.entries import ENTRY_COLUMNS, entry_row, event_words
from app.web.table import Table
from app.wired import WiredBroker
from schemas.documents.canonical import MAX_INTEGER

router = APIRouter()

EntryIndex = Annotated[int, Path(ge=0, le=MAX_INTEGER)]

# How far back the list of earlier checkpoints goes, in entries.
RECENT_ENTRIES: Final = 25


@page_route(router, "/log")
def show_log(broker: WiredBroker, page: WiredPage, old: OldSize = 0) -> Response:
    """Show the newest checkpoint, whether the log is in order, and how it continues an older checkpoint."""
    fault = log_fault(broker)
    with broker.database.read() as session:
        state = log_state(session)
        since = checkpoint_since(session, old)
        older = _older_checkpoint(session, old) if old and page.twin == "html" else None
        checkpoints = [
            (checkpoint.size, _base64(checkpoint.root))
            for checkpoint in recent_checkpoints(session, RECENT_ENTRIES)
        ]
    age_s = max(int((broker.clock() - parse_utc(state.time)).total_seconds()), 0)
    return page.answer(
        "log.html",
        title="Match log",
        document=since.to_json() | _health(state, fault, age_s),
        table=Table(("entries", "root"), checkpoints),
        query=f"old={old}" if old else "",
        state=state,
        root=_base64(state.checkpoint.root),
        fault=fault,
        age_s=age_s,
        older=older,
        proof=since.proof,
        checkpoints=checkpoints,
    )


@page_route(router, "/log/entries/{seq}")
def show_entry(broker: WiredBroker, page: WiredPage, seq: EntryIndex) -> Response:
    """Show one entry in words and byte for byte, with the proof that it is in the log."""
    with broker.database.read() as session:
        evidence = entry_evidence(session, page.actor, seq)
    entry, proof = evidence.entry, [_base64(value) for value in evidence.proof.hashes]
    document = {
        "entry": entry.to_json(),
        "entry_text": evidence.proof.entry.decode(),
        "index": seq,
        "proof": proof,
        "checkpoint": evidence.proof.checkpoint.decode(),
        "log_key": evidence.log_key,
    }
    return page.answer(
        "entry.html",
        title=f"Log entry {seq}",
        document=document,
        table=Table(ENTRY_COLUMNS, [entry_row(entry)]),
        project=entry.project,
        entry=entry,
        sentence=event_words(entry),
        entry_text=document["entry_text"],
        proof=proof,
        checkpoint=document["checkpoint"],
        log_key=evidence.log_key,
    )


@router.get("/log/tile/{tile:path}", include_in_schema=False, response_class=Response)
def show_tile(broker: WiredBroker, actor: CurrentActor, tile: TilePath) -> Response:
    """Give a tile of hashes, which tell nothing, for what the browser computes."""
    wanted, entries = parse_tile_path(tile)
    if entries:
        raise NotFoundError("There is nothing here.")
    with broker.database.read() as session:
        content = read_tile(session, actor, wanted, None, entries=False)
    return Response(content, media_type=BYTES)


@dataclass(frozen=True, slots=True)
class OlderCheckpoint:
    """A checkpoint that the newest is compared with, and the key that signed it."""

    size: int
    note: str
    log_key: str


def _older_checkpoint(session: Session, size: int) -> OlderCheckpoint:
    note = checkpoint_of(session, size).note.decode("utf-8")
    return OlderCheckpoint(size, note, log_key_at(session, size))


def _health(state: LogState, fault: str | None, age_s: int) -> dict[str, Any]:
    """Return how the log stands, beside the checkpoint and its proof."""
    return {
        "is_in_order": fault is None,
        "fault": fault,
        "entries": state.checkpoint.size,
        "newest_entry": state.time,
        "newest_entry_age_s": age_s,
        "keys": [{"after": after, "key": key} for after, key in state.keys],
        "witnesses": [asdict(witness) for witness in state.witnesses],
    }


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
