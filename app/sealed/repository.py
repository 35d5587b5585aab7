"""All queries of sealed objects. Who may see one is for the slice to say that made it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from sqlalchemy import Select, delete, func, inspect, select, update
from sqlalchemy.orm import Session

from app.sealed.models import SealedObject, SealedPiece

RowT = TypeVar("RowT")


def due_rows(
    session: Session,
    kind: type[RowT],
    now: str,
    held: Collection[str],
    *,
    limit: int,
) -> Sequence[RowT]:
    """Return, locked, rows past their keeping time and not over, by their keys; not those of held projects."""
    table = inspect(kind)
    # An upload tells by its state, all others by when they were destroyed.
    destroyed = table.c.get("destroyed")
    is_there = table.c["state"] == "committed" if destroyed is None else destroyed.is_(None)
    query = select(kind).where(
        is_there, table.c["keep_until"] <= now, table.c["project"].not_in(held)
    )
    query = query.order_by(*table.primary_key).limit(limit)
    return session.scalars(query.with_for_update()).all()


def pieces_of(session: Session, object_id: str, kind: str) -> Sequence[SealedPiece]:
    """Return the pieces of one kind of an object, by number."""
    query = select(SealedPiece).where(SealedPiece.object == object_id, SealedPiece.kind == kind)
    return session.scalars(query.order_by(SealedPiece.number)).all()


def blobs_of(session: Session, object_id: str) -> Sequence[str]:
    """Return the blobs of all pieces of an object."""
    return session.scalars(select(SealedPiece.blob).where(SealedPiece.object == object_id)).all()


def find_piece(session: Session, object_id: str, kind: str, number: int) -> SealedPiece | None:
    """Return one piece, or None."""
    return session.get(SealedPiece, (object_id, kind, number), populate_existing=True)


def present_ids() -> Select[str]:
    """Return the query of the ids of all objects of which something may be left."""
    return select(SealedObject.id)


def end(session: Session, object_ids: Collection[str]) -> None:
    """Note that objects are over; one that is gone stays gone."""
    session.execute(
        update(SealedObject).where(SealedObject.id.in_(object_ids)).values(is_ended=True)
    )


def ended(session: Session, limit: int) -> Sequence[str]:
    """Return the ids of objects that are over and of which something may be left, in their order."""
    query = select(SealedObject.id).where(SealedObject.is_ended)
    return session.scalars(query.order_by(SealedObject.id).limit(limit)).all()


def forget(session: Session, object_id: str) -> None:
    """Remove an object's rows: nothing of it is left."""
    session.execute(delete(SealedPiece).where(SealedPiece.object == object_id))
    session.execute(delete(SealedObject).where(SealedObject.id == object_id))


def has_blob(session: Session, digest: str) -> bool:
    """Tell whether a piece is in this blob."""
    return session.scalar(select(SealedPiece.object).where(SealedPiece.blob == digest)) is not None


def has_object(session: Session, object_id: str) -> bool:
    """Tell whether something of an object may be left."""
    return session.get(SealedObject, object_id) is not None


def count_pieces(session: Session, object_id: str) -> int:
    """Return how many pieces an object has, of all kinds."""
    query = select(func.count()).where(SealedPiece.object == object_id)
    return session.scalar(query) or 0
