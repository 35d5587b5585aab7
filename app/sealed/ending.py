"""What a destruction knows of an object that it has ended, and how what is left of it goes: the key first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from app.matchlog.draft import EntryDraft
from app.sealed import repository
from app.sealed.objects import Stores, remove
from schemas.rounds.destruction import ObjectKind

# As many things of one kind as one unit of work ends.
BATCH: Final = 50


def due_projects(session: Session, now: str) -> frozenset[str]:
    """Return the projects that have something whose time is over, or that was retired."""
    return frozenset(repository.due_projects(session, now))


def due_rows(
    kind: type[repository.RowT], session: Session, now: str, project: str
) -> Sequence[repository.RowT]:
    """Return, locked, some of a project's rows of a kind whose time is over."""
    return repository.due_rows(session, kind, now, project, limit=BATCH)


@dataclass(frozen=True, slots=True)
class Ended:
    """An object that has just been ended, as its certificate will list it, and its log entry if it has one.

    `key` is its id, by which the key store has its key.
    """

    key: str
    kind: ObjectKind
    party: str | None
    sha256: str
    count: int | None
    created: str | None
    draft: EntryDraft | None


def shred(stores: Stores) -> None:
    """Remove all that is left of objects that are over; killed anywhere, it can be done again.

    In the order of their ids: records, messages and releases before runs before uploads, so that what was made
    of something goes first. One that the disk does not let go keeps no other.

    Raises:
        OSError: one was kept, of which the others are rid.
        StoreUnavailableError: the object store lets no piece go; all keys are gone.
    """
    # Keys first, all of them: an object store may be out of reach for long.
    kept = _each_ended(stores, stores.keystore.destroy)
    kept += _each_ended(stores, partial(shred_object, stores))
    if kept:
        raise kept[0]


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


def _each_ended(stores: Stores, step: Callable[[str], None]) -> list[OSError]:
    last, kept = "", list[OSError]()
    while found := _ended_after(stores, last):
        for last in found:
            try:
                step(last)
            except OSError as exc:
                kept.append(exc)
    return kept


def _ended_after(stores: Stores, last: str) -> Sequence[str]:
    with stores.database.read() as session:
        return repository.ended(session, BATCH, last)
