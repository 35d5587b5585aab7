"""Counts over all projects, for the operator's monitoring alone."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.runs.models import Run


def count_runs(session: Session) -> dict[str, int]:
    """Return how many runs there are in each state; a state without any is missing."""
    rows = session.execute(select(Run.state, func.count()).group_by(Run.state))
    return dict(rows.all())
