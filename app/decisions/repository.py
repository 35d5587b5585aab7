"""All queries of match records. Who may see one is decided by its run's project and the policy table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.decisions.models import MatchRecord, RunOpenings
from app.sealed.objects import present_objects


def get_record(session: Session, run: str) -> MatchRecord | None:
    """Return a run's match record, or None where it has none."""
    return session.get(MatchRecord, run, populate_existing=True)


def get_openings(session: Session, run: str, party: str) -> RunOpenings | None:
    """Return an agency's openings of a run, or None where it has none."""
    return session.get(RunOpenings, (run, party))


def present_records(session: Session, project: str) -> Sequence[MatchRecord]:
    """Return the project's match records of which something may still be there."""
    query = select(MatchRecord).where(
        MatchRecord.project == project, MatchRecord.object.in_(present_objects())
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


def forget_openings(session: Session, runs: Collection[str]) -> None:
    """Remove the rows of the openings of match records that are over: their sizes tell how many there were."""
    session.execute(delete(RunOpenings).where(RunOpenings.run.in_(runs)))
