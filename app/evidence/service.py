"""The match log as agencies and auditors check it: checkpoints with proofs, tiles, and whole bundles."""

from __future__ import annotations

import base64
import tempfile
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Final

from app.agreements.service import project_for
from app.evidence.errors import ProjectNeededError
from app.matchlog.draft import entry_actor
from app.matchlog.export import export_bundle, tile_bytes, tile_entries
from app.matchlog.proofs import consistency_proof, newest_checkpoint
from schemas.api import LogCheckpoint

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broker import Broker
    from app.security.actor import Actor
    from schemas.matchlog.tiles import Tile

# Below this a bundle is kept in memory; a larger one waits in a file that has no name.
SPOOL_BYTES: Final = 4 * 1024 * 1024


def checkpoint_since(session: Session, broker: Broker, old_size: int) -> LogCheckpoint:
    """Return the newest checkpoint and the proof that it continues the log of `old_size` entries.

    A caller that knows nothing yet says 0 and gets no proof.

    Raises:
        NotInLogError: the log is not that long.
    """
    newest = newest_checkpoint(session)
    hashes = consistency_proof(session, old_size, newest.size) if old_size else []
    return LogCheckpoint(
        checkpoint=newest.note.decode("utf-8"),
        old_size=old_size,
        proof=tuple(base64.b64encode(node).decode("ascii") for node in hashes),
        log_key=broker.log.key.text,
    )


def read_tile(
    session: Session, actor: Actor, tile: Tile, project: str | None, *, entries: bool
) -> bytes:
    """Return a tile's hashes, which tell nothing, or the entries under it that the actor may see.

    Raises:
        NotInLogError: the log has no such tile, or not that wide.
        NotFoundError, ProjectNeededError: the entries are not the actor's to see.
    """
    if not entries:
        return tile_bytes(session, tile)
    return tile_entries(session, tile, _visible_project(session, actor, project))


def write_bundle(broker: Broker, actor: Actor, project: str | None) -> IO[bytes]:
    """Log that the log is handed out, then return it as a bundle, ready to be read from its start.

    Raises:
        NotFoundError, ProjectNeededError: the project is not the actor's to see.
    """
    with broker.database.write() as session:
        scope = _visible_project(session, actor, project)
        agreement = None if scope is None else project_for(session, actor, scope).digest
        exported = broker.log.append_export(
            session, entry_actor(actor), scope, agreement, request=actor.request_id
        )
    # Made in whole before the first byte leaves, so that a failure is an answer and not a torn file, and a
    # slow reader holds no snapshot of the database.
    with ExitStack() as on_failure:
        bundle: IO[bytes] = on_failure.enter_context(
            tempfile.SpooledTemporaryFile(SPOOL_BYTES, "w+b", dir=str(broker.settings.scratch_dir))
        )
        with broker.database.read() as session:
            for piece in export_bundle(session, scope, exported.size):
                bundle.write(piece)
        bundle.seek(0)
        on_failure.pop_all()
    return bundle


def _visible_project(session: Session, actor: Actor, project: str | None) -> str | None:
    if project is not None:
        return project_for(session, actor, project).terms.project
    if actor.role != "operator":
        raise ProjectNeededError("Name the project whose entries you want.")
    return None
