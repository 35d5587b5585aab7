"""The end of runs: when one has succeeded, failed or been cancelled, its keys and ranges are destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.rounds.ending import BATCH
from app.rounds.retention import Remains
from app.runs import repository
from app.runs.service import keys_of, specification_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def find_remains(session: Session) -> tuple[Remains, ...]:
    """Return what is left of runs that have ended."""
    return tuple(
        Remains(
            run.id,
            keys_of(specification_of(run)),
            tuple(block.blob for block in repository.finished_blocks(session, run.id)),
        )
        for run in repository.unshredded(session, BATCH)
    )


def forget_remains(session: Session, run: str) -> None:
    """Note that nothing is left."""
    repository.forget_blocks(session, run)


def is_needed_blob(session: Session, digest: str) -> bool:
    """Tell whether a range of a run is in this blob."""
    return repository.is_block_blob(session, digest)


def is_needed_key(session: Session, object_id: str) -> bool:
    """Tell whether a run may still need the key of this name: its own, or one of its ID spaces'."""
    return repository.has_live_key(session, object_id.partition(".")[0])
