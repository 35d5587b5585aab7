"""The match log as agencies and auditors check it: checkpoints with proofs, tiles, and whole bundles."""

from __future__ import annotations

import base64
import re
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from app.agreements.service import agreement_now, all_versions, parties_of, require_visible
from app.broker import Broker
from app.clock import utc_text
from app.durable import storing
from app.errors import (
    PROJECT_NEEDED,
    BrokerError,
    NotFoundError,
    NotInLogError,
    RefusedError,
    TooManyRequestsError,
)
from app.matchlog.draft import entry_actor
from app.matchlog.export import export_bundle, tile_bytes, tile_entries
from app.matchlog.proofs import (
    consistency_proof,
    entry_proof,
    hand_overs_since,
    log_key_at,
    log_keys,
    newest_checkpoint,
    newest_cosigned,
    newest_time,
)
from app.security.actor import Actor
from schemas.api.bodies import LogCheckpoint
from schemas.documents.errors import BundleError
from schemas.matchlog.checkpoint import Checkpoint, parse_checkpoint
from schemas.matchlog.entry import Entry, parse_entry
from schemas.matchlog.hand_over import HandOver
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import LogProof
from schemas.matchlog.tiles import TILE_WIDTH, Tile
from schemas.signing.note import VerifierKey

# Below this a bundle is kept in memory; a larger one waits in a file that has no name.
SPOOL_BYTES: Final = 4 * 1024 * 1024
# Each has the size of the log, for as long as it is on its way. Of one person, by one process of `serve`.
MAX_BUNDLES: Final = 4
BUNDLE_WAIT_S: Final = 60
_LOCK: Final = threading.Lock()
_UNDER_WAY: Final[WeakKeyDictionary[IO[bytes], str]] = WeakKeyDictionary()


# Levels up to 6 cover 2^56 entries, more than canonical JSON can number.
_PATH: Final = re.compile(
    r"([0-6]|entries)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


def checkpoint_since(session: Session, old_size: int) -> LogCheckpoint:
    """Return the newest checkpoint and the proof that it continues the log of `old_size` entries.

    A caller that knows nothing yet says 0 and gets no proof, but every hand-over of the log's key.

    Raises:
        NotInLogError: the log is not that long.
    """
    newest = newest_checkpoint(session)
    hashes = consistency_proof(session, old_size, newest.size) if old_size else []
    keys = log_keys(session)
    return LogCheckpoint(
        checkpoint=newest.note.decode("utf-8"),
        old_size=old_size,
        proof=tuple(base64.b64encode(node).decode("ascii") for node in hashes),
        log_key=keys[-1][1],
        hand_overs=tuple(HandOver.of(proof) for proof in hand_overs_since(session, old_size, keys)),
    )


def newest_key(session: Session) -> str:
    """Return the key that signed the newest checkpoint, as text."""
    return log_key_at(session, newest_checkpoint(session).size)


@dataclass(frozen=True, slots=True)
class Witness:
    """A person's key that cosigns, as its text, with the largest size that it cosigned and when."""

    key: str
    size: int
    time: str

    @property
    def party(self) -> str:
        """The party whose name the key bears."""
        return VerifierKey.from_text(self.key).name


@dataclass(frozen=True, slots=True)
class LogState:
    """The newest checkpoint with its note, the key that signed it, all keys so far, and the witnesses.

    `time` is the newest entry's. `keys` are pairs of a size and the key that signs checkpoints above it.
    """

    checkpoint: Checkpoint
    note: str
    log_key: str
    keys: list[tuple[int, str]]
    time: str
    witnesses: list[Witness]


def log_state(session: Session) -> LogState:
    """Return how the log stands; whether it is in order is `MatchLog.check`'s to say."""
    newest = newest_checkpoint(session)
    cosigned = newest_cosigned(session)
    return LogState(
        checkpoint=parse_checkpoint(newest.note)[0],
        note=newest.note.decode("utf-8"),
        log_key=log_key_at(session, newest.size),
        keys=log_keys(session),
        time=newest_time(session),
        witnesses=[
            Witness(key, size, utc_text(datetime.fromtimestamp(time_s, UTC)))
            for key, (size, time_s) in sorted(cosigned.items())
        ],
    )


def log_fault(broker: Broker) -> str | None:
    """Return what is wrong with the log, in a sentence; None where it is in order."""
    try:
        # On a snapshot of its own: an older one lacks what was signed since, and would look like a backup.
        with broker.database.read() as session:
            broker.log.check(session)
    except BrokerError as exc:
        return f"{exc.detail[:1].upper()}{exc.detail[1:].removesuffix('.')}."
    return None


@dataclass(frozen=True, slots=True)
class EntryEvidence:
    """An entry, the proof that it is in the log under the newest checkpoint, and the key that signed that."""

    entry: Entry
    proof: LogProof
    log_key: str


def entry_evidence(session: Session, actor: Actor, seq: int) -> EntryEvidence:
    """Return an entry that the actor may see: one of its projects', or one of the whole broker."""
    try:
        proof = entry_proof(session, seq)
    except NotInLogError as exc:
        raise NotFoundError("There is nothing here.") from exc
    entry = parse_entry(proof.entry, KINDS)
    if entry.project is not None:
        require_visible(session, actor, entry.project)
    size = parse_checkpoint(proof.checkpoint)[0].size
    return EntryEvidence(entry, proof, log_key_at(session, size))


def read_tile(
    session: Session, actor: Actor, tile: Tile, project: str | None, *, entries: bool
) -> bytes:
    """Return a tile's hashes, which tell nothing, or the entries under it that the actor may see.

    Raises:
        NotInLogError: the log has no such tile, or not that wide.
    """
    if not entries:
        return tile_bytes(session, tile)
    return tile_entries(session, tile, _visible_project(session, actor, project))


def write_bundle(broker: Broker, actor: Actor, project: str | None) -> IO[bytes]:
    """Log that the log is handed out, then return it as a bundle, ready to be read from its start."""
    broker.blobs.refuse_when_full()
    # Made in whole before the first byte leaves, so that a failure is an answer and not a torn file, and a
    # slow reader holds no snapshot of the database.
    with ExitStack() as on_failure:
        bundle = on_failure.enter_context(_new_bundle(broker.settings.scratch_dir, actor.person))
        with broker.database.write() as session:
            scope = _visible_project(session, actor, project)
            agreement = None if scope is None else agreement_now(session, scope, broker.clock())
            exported = broker.log.append_export(
                session, entry_actor(actor), scope, agreement, request=actor.request_id
            )
        with broker.database.read() as session:
            versions = [] if scope is None else all_versions(session, scope)
            parties = {party for version in versions for party in parties_of(version.terms)}
            for piece in export_bundle(session, scope, exported.size, parties=parties):
                broker.blobs.refuse_when_full()
                with storing():
                    bundle.write(piece)
        bundle.seek(0)
        on_failure.pop_all()
    return bundle


def _new_bundle(folder: Path, person: str) -> IO[bytes]:
    """Return a file for one more bundle of a person, which counts until it is closed or forgotten."""
    with _LOCK:
        theirs = [file for file, who in _UNDER_WAY.items() if who == person and not file.closed]
        if len(theirs) >= MAX_BUNDLES:
            raise TooManyRequestsError(BUNDLE_WAIT_S)
        bundle: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by whom it is for
            SPOOL_BYTES, "w+b", dir=str(folder)
        )
        _UNDER_WAY[bundle] = person
    return bundle


def _visible_project(session: Session, actor: Actor, project: str | None) -> str | None:
    if project is not None:
        require_visible(session, actor, project)
        return project
    if actor.role != "operator":
        raise RefusedError(PROJECT_NEEDED, "Name the project whose entries you want.")
    return None


def parse_tile_path(path: str) -> tuple[Tile, bool]:
    """Return the tile that a path names, and whether it means the entries under it.

    Raises:
        NotInLogError: no tile can have this path, or it is not the one spelling of it.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise NotInLogError("There is nothing here.")
    level, number, width = match.groups()
    index = int(re.sub(r"[x/]", "", number))
    is_entries = level == "entries"
    tile = Tile(0 if is_entries else int(level), index, int(width or TILE_WIDTH))
    try:
        spelled = tile.entries_path if is_entries else tile.path
    except BundleError as exc:
        raise NotInLogError("There is nothing here.") from exc
    if spelled != f"tile/{path}":
        raise NotInLogError("There is nothing here.")
    return tile, is_entries
