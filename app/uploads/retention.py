"""The end of uploads: overdue ones are closed and logged, then their keys and parts destroyed.

First the state and its log entry commit, then the key goes: a crash in between leaves a key that the next
sweep finds by the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.uploads import repository

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broker import Broker

BATCH: Final = 50


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of an object that is over: the names of its keys in the key store, and its blobs."""

    object: str
    keys: tuple[str, ...]
    blobs: tuple[str, ...]


def destroy_remains(broker: Broker, remains: Remains) -> None:
    """Destroy the keys, which destroys the object wherever its bytes are, then remove its blobs."""
    for key in remains.keys:
        broker.keystore.destroy(key)
    for blob in remains.blobs:
        broker.blobs.delete(blob)


def find_remains(session: Session) -> tuple[Remains, ...]:
    """Return what is left of uploads that are over."""
    return tuple(
        Remains(
            found.id,
            (found.id,),
            tuple(part.blob for part in repository.stored_parts(session, found.id)),
        )
        for found in repository.unshredded(session, BATCH)
    )


def forget_remains(session: Session, upload: str) -> None:
    """Note that nothing is left."""
    repository.forget_parts(session, upload)


def is_needed_blob(session: Session, digest: str) -> bool:
    """Tell whether a part of an upload is in this blob."""
    return repository.is_part_blob(session, digest)


def is_needed_key(session: Session, object_id: str) -> bool:
    """Tell whether an upload may still need the key of this name."""
    return repository.has_live_key(session, object_id)
