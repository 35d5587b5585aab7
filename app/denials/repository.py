"""Queries of refused requests."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from app.denials.models import RefusedRequests


def count_one_more(session: Session, row: RefusedRequests) -> bool:
    """Add one to the count that has this row's key, or return False where there is none yet."""
    query = (
        update(RefusedRequests)
        .where(
            RefusedRequests.hour == row.hour,
            RefusedRequests.project == row.project,
            RefusedRequests.party == row.party,
            RefusedRequests.why == row.why,
            RefusedRequests.clause == row.clause,
        )
        .values(count=RefusedRequests.count + 1)
        .returning(RefusedRequests.count)
        .execution_options(synchronize_session=False)
    )
    return session.execute(query).scalar_one_or_none() is not None


def pop_counts(session: Session, before_hour: str) -> Sequence[RefusedRequests]:
    """Remove and return the counts of the hours before this one, in the order of their keys.

    One statement, so that of two who sum up at once only one gets each.
    """
    query = delete(RefusedRequests).where(RefusedRequests.hour < before_hour)
    taken = session.execute(query.returning(RefusedRequests)).scalars().all()
    return sorted(taken, key=lambda row: (row.hour, row.project, row.party, row.why, row.clause))
