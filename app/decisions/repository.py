"""All queries of match records. Who may see one is decided by its run's project and the policy table."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db import scalars_of_project
from app.decisions.models import MatchRecord, RunOpenings
from app.sealed.objects import present_objects


def get_record(session: Session, run: str, release: int) -> MatchRecord | None:
    """Return a run's match record of a release, or None where it has none."""
    return session.get(MatchRecord, (run, release), populate_existing=True)


def records_of(session: Session, run: str) -> Sequence[MatchRecord]:
    """Return a run's match records, in the order of their releases."""
    query = select(MatchRecord).where(MatchRecord.run == run).order_by(MatchRecord.release)
    return session.scalars(query).all()


def get_openings(session: Session, run: str, release: int, party: str) -> RunOpenings | None:
    """Return an agency's openings of a run's match record, or None where it has none."""
    return session.get(RunOpenings, (run, release, party))


def present_records(session: Session, project: str) -> Sequence[MatchRecord]:
    """Return the project's match records of which something may still be there."""
    return scalars_of_project(
        session,
        project,
        MatchRecord.project,
        lambda: (
            select(MatchRecord)
            .where(MatchRecord.object.in_(present_objects()))
            .order_by(MatchRecord.run, MatchRecord.release)
        ),
        "present_records",
    )


def forget_openings(session: Session, record: MatchRecord) -> None:
    """Remove the rows of the openings of a match record that is over: their sizes tell how many there were."""
    session.execute(
        delete(RunOpenings).where(
            RunOpenings.run == record.run, RunOpenings.release == record.release
        )
    )
