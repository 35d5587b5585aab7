"""Removes what is left of objects that are over: first the key, then the sealed pieces, then the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.sealed import repository
from app.sealed.objects import remove

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.sealed.stores import Stores

BATCH: Final = 50


def shred(stores: Stores) -> None:
    """Remove all that is left of objects that are over; killed anywhere, it can be done again.

    In the order of their ids: records, messages and releases before runs before uploads, so that what was made
    of something goes first.
    """
    while _shred_some(stores):
        pass


def shred_object(stores: Stores, object_id: str) -> None:
    """Remove what is left of one object that is over; once more changes nothing."""
    with stores.database.read() as session:
        blobs = repository.blobs_of(session, object_id)
    remove(stores, object_id, blobs)
    with stores.database.write() as session:
        repository.forget(session, object_id)


def is_needed_blob(session: Session, digest: str) -> bool:
    """Tell whether a row names this blob."""
    return repository.has_blob(session, digest)


def is_needed_key(session: Session, object_id: str) -> bool:
    """Tell whether a row names the object of this key."""
    return repository.has_object(session, object_id)


def _shred_some(stores: Stores) -> bool:
    with stores.database.read() as session:
        found = repository.ended(session, BATCH)
    for object_id in found:
        shred_object(stores, object_id)
    return bool(found)
