"""The end of match records: kept as long as the run's releases, then destroyed with all openings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.decisions import repository
from app.rounds.ending import BATCH
from app.rounds.retention import Remains

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def find_remains(session: Session) -> tuple[Remains, ...]:
    """Return what is left of destroyed match records."""
    return tuple(
        Remains(found.run, (found.object,), repository.all_pieces(session, found.run))
        for found in repository.unshredded(session, BATCH)
    )


def forget_remains(session: Session, run: str) -> None:
    """Note that nothing is left."""
    repository.forget_pieces(session, run)


def is_needed_blob(session: Session, digest: str) -> bool:
    """Tell whether a piece of a match record is in this blob."""
    return repository.is_blob(session, digest)


def is_needed_key(session: Session, object_id: str) -> bool:
    """Tell whether a match record may still need the key of this name."""
    return repository.has_live_key(session, object_id)
