"""All queries of match records. Who may see one is decided by its run's project and the policy table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.decisions.models import MatchRecord, MatchRecordPiece, RunOpenings


def get_record(session: Session, run: str) -> MatchRecord | None:
    """Return a run's match record, or None where it has none."""
    return session.get(MatchRecord, run, populate_existing=True)


def get_openings(session: Session, run: str, party: str) -> RunOpenings | None:
    """Return an agency's openings of a run, or None where it has none."""
    return session.get(RunOpenings, (run, party))


def pieces_of(
    session: Session, run: str, part: str, *, first: int = 0, last: int | None = None
) -> tuple[str, ...]:
    """Return the blobs of a part's pieces in order, from number `first` to `last`, both included."""
    query = select(MatchRecordPiece.blob).where(
        MatchRecordPiece.run == run,
        MatchRecordPiece.part == part,
        MatchRecordPiece.number >= first,
    )
    if last is not None:
        query = query.where(MatchRecordPiece.number <= last)
    return tuple(session.scalars(query.order_by(MatchRecordPiece.number)))


def all_pieces(session: Session, run: str) -> tuple[str, ...]:
    """Return the blobs of all pieces of a run's match record."""
    return tuple(session.scalars(select(MatchRecordPiece.blob).where(MatchRecordPiece.run == run)))


def held_records(session: Session, project: str) -> Sequence[MatchRecord]:
    """Return the project's match records of which something may still be there."""
    query = select(MatchRecord).where(
        MatchRecord.project == project, MatchRecord.is_shredded.is_(False)
    )
    return session.scalars(query.order_by(MatchRecord.run)).all()


def due_records(
    session: Session, now: str, limit: int, held: Collection[str]
) -> Sequence[MatchRecord]:
    """Return, locked, match records past their keeping time, but for those of these projects."""
    query = select(MatchRecord).where(
        MatchRecord.destroyed.is_(None),
        MatchRecord.keep_until <= now,
        MatchRecord.project.not_in(held),
    )
    return session.scalars(query.order_by(MatchRecord.run).limit(limit).with_for_update()).all()


def unshredded(session: Session, limit: int) -> Sequence[MatchRecord]:
    """Return match records that are destroyed but whose key or pieces may still be there."""
    return session.scalars(
        select(MatchRecord)
        .where(MatchRecord.destroyed.is_not(None), MatchRecord.is_shredded.is_(False))
        .order_by(MatchRecord.run)
        .limit(limit)
    ).all()


def forget_pieces(session: Session, run: str) -> None:
    """Remove the rows of a match record's pieces and openings, and note that nothing of it is left."""
    session.execute(delete(MatchRecordPiece).where(MatchRecordPiece.run == run))
    session.execute(delete(RunOpenings).where(RunOpenings.run == run))
    session.execute(update(MatchRecord).where(MatchRecord.run == run).values(is_shredded=True))


def is_blob(session: Session, digest: str) -> bool:
    """Tell whether a piece of a match record is in this blob."""
    query = select(MatchRecordPiece.run).where(MatchRecordPiece.blob == digest)
    return session.scalar(query) is not None


def has_live_key(session: Session, object_id: str) -> bool:
    """Tell whether a match record may still need the key of this name."""
    query = select(MatchRecord.run).where(
        MatchRecord.object == object_id, MatchRecord.is_shredded.is_(False)
    )
    return session.scalar(query) is not None
