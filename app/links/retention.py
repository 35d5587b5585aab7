"""The end of releases: kept as long as the terms said when they were made, then destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.links import repository
from app.rounds.ending import BATCH
from app.rounds.retention import Remains

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def find_remains(session: Session) -> tuple[Remains, ...]:
    """Return what is left of destroyed releases."""
    return tuple(
        Remains(found.id, (found.id,), repository.pieces_of(session, found.id))
        for found in repository.unshredded(session, BATCH)
    )


def forget_remains(session: Session, release: str) -> None:
    """Note that nothing is left."""
    repository.forget_pieces(session, release)


def is_needed_blob(session: Session, digest: str) -> bool:
    """Tell whether a piece of a release is in this blob."""
    return repository.is_blob(session, digest)


def is_needed_key(session: Session, object_id: str) -> bool:
    """Tell whether a release may still need the key of this name."""
    return repository.has_live_key(session, object_id)
