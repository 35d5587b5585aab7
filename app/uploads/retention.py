"""The end of uploads: overdue ones are closed and logged, then their keys and parts destroyed.

First the state and its log entry commit, then the key goes: a crash in between leaves a key that the next
sweep finds by the row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.rounds.ending import BATCH
from app.rounds.retention import Remains
from app.uploads import repository

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def find_remains(session: Session) -> tuple[Remains, ...]:
    """Return what is left of uploads that are over."""
    return tuple(
        Remains(
            found.id,
            (found.id,),
            (
                *(part.blob for part in repository.stored_parts(session, found.id)),
                *([found.token_index] if found.token_index else []),
            ),
        )
        for found in repository.unshredded(session, BATCH)
    )


def forget_remains(session: Session, upload: str) -> None:
    """Note that nothing is left."""
    repository.forget_parts(session, upload)


def is_needed_blob(session: Session, digest: str) -> bool:
    """Tell whether a part of an upload, or the index of its tokens, is in this blob."""
    return repository.is_blob(session, digest)


def is_needed_key(session: Session, object_id: str) -> bool:
    """Tell whether an upload may still need the key of this name."""
    return repository.has_live_key(session, object_id)
