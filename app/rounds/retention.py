"""The end of sealed messages: kept as long as the terms said when they came, then destroyed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.rounds import repository
from app.rounds.ending import BATCH

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broker import Broker


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
    """Return what is left of destroyed messages."""
    return tuple(
        Remains(found.object, (found.object,), (found.blob,))
        for found in repository.unshredded(session, BATCH)
    )


def forget_remains(session: Session, message: str) -> None:
    """Note that nothing is left."""
    repository.note_shredded(session, message)


def is_needed_blob(session: Session, digest: str) -> bool:
    """Tell whether a message is in this blob."""
    return repository.is_blob(session, digest)


def is_needed_key(session: Session, object_id: str) -> bool:
    """Tell whether a message may still need the key of this name."""
    return repository.has_live_key(session, object_id)
