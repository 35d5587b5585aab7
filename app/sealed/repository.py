"""All queries of sealed objects. Who may see one is for the slice to say that made it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Select, delete, func, inspect, select, union, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from app.db import Base
from app.sealed.models import RetiredObject, SealedObject, SealedPiece

# A statement has room for so many names and more.
ENDED_AT_ONCE: Final = 1000

RowT = TypeVar("RowT")


def due_projects(session: Session, now: str) -> Sequence[str]:
    """Return the projects of rows of all kinds that are past their keeping time and not over, and of retired
    objects.
    """
    kinds = [table for table in Base.metadata.sorted_tables if "keep_until" in table.c]
    found = union(
        select(RetiredObject.project),
        *(select(table.c["project"]).where(*_is_due(table.c, now)) for table in kinds),
    )
    return session.scalars(found).all()


def due_rows(
    session: Session, kind: type[RowT], now: str, project: str, *, limit: int
) -> Sequence[RowT]:
    """Return, locked, a project's rows past their keeping time and not over, by their keys."""
    table = inspect(kind)
    query = select(kind).where(table.c["project"] == project, *_is_due(table.c, now))
    query = query.order_by(*table.primary_key).limit(limit)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()


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


def end_retired(session: Session, project: str) -> int:
    """Note that a project's retired objects are over; returns how many there were.

    One that is retired meanwhile is ended now or the next time.
    """
    some = select(RetiredObject.object).where(RetiredObject.project == project).limit(ENDED_AT_ONCE)
    # What is deleted says what is ended, and not a look before that.
    taken = (
        delete(RetiredObject)
        .where(RetiredObject.object.in_(some))
        .returning(RetiredObject.object)
        .execution_options(synchronize_session=False)
    )
    n_ended = 0
    while object_ids := session.scalars(taken).all():
        end(session, object_ids)
        n_ended += len(object_ids)
    return n_ended


def ended(session: Session, limit: int, after: str = "") -> Sequence[str]:
    """Return the ids after one of objects that are over and of which something may be left, in their order."""
    query = select(SealedObject.id).where(SealedObject.is_ended, SealedObject.id > after)
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


def _is_due(
    columns: ReadOnlyColumnCollection[str, Any], now: str
) -> tuple[ColumnElement[bool], ...]:
    # An upload tells by its state, all others by when they were destroyed.
    destroyed = columns.get("destroyed")
    is_there = columns["state"] == "committed" if destroyed is None else destroyed.is_(None)
    return is_there, columns["keep_until"] <= now
