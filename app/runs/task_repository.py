"""All queries of the tasks of runs: who is at which, and what they have found. Times are the database's."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Update,
    and_,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from app.db import database_now_ms
from app.runs.models import Run, RunTask
from app.runs.repository import lease_end


def run_with_free_task(session: Session, among_not: Collection[str]) -> Run | None:
    """Return the oldest run that a living worker is at, of which a task is free; but none of those named."""
    is_alive = and_(Run.state == "running", Run.lease_until_ms >= database_now_ms())
    free = select(RunTask.run).where(RunTask.run == Run.id, _is_free_task())
    query = select(Run).where(is_alive, Run.id.not_in(among_not), free.exists())
    return session.scalar(query.order_by(Run.created, Run.id).limit(1))


def has_free_task(session: Session, run: str, token: str) -> bool:
    """Tell whether nobody is at one of a run's open tasks, the worker of this token neither."""
    query = select(RunTask.number).where(RunTask.run == run, _is_free_task(token)).limit(1)
    return session.scalar(query) is not None


def claim_tasks(session: Session, run: str, token: str, n_most: int, lease_ms: int) -> list[int]:
    """Lease the first free tasks of a run, at most so many; returns their numbers, in order."""
    free = select(RunTask.number).where(RunTask.run == run, _is_free_task(token))
    free = free.order_by(RunTask.number).limit(n_most).with_for_update(skip_locked=True)
    numbers = list(session.scalars(free))
    mine = update(RunTask).where(RunTask.run == run, RunTask.number.in_(numbers))
    session.execute(
        mine.values(lease_token=token, lease_until_ms=lease_end(lease_ms)).execution_options(
            synchronize_session=False
        )
    )
    return numbers


def finish_task(session: Session, run: str, number: int, token: str, meetings: int) -> bool:
    """Note what a task that is leased under this token has found, or return False where it is not."""
    changed = session.execute(
        _leased_tasks(token)
        .where(RunTask.run == run, RunTask.number == number)
        .values(meetings=meetings, lease_token=None, lease_until_ms=None)
        .returning(RunTask.number)
    )
    return changed.one_or_none() is not None


def renew_tasks(session: Session, token: str, lease_ms: int) -> bool:
    """Put the end of all leases under this token off; False where there is none."""
    renewed = _leased_tasks(token).values(lease_until_ms=lease_end(lease_ms))
    return bool(session.scalars(renewed.returning(RunTask.number)).all())


def free_tasks(session: Session, token: str) -> None:
    """End all leases of tasks under this token now."""
    session.execute(_leased_tasks(token).values(lease_token=None, lease_until_ms=None))


def numbers_of_tasks(session: Session, run: str) -> frozenset[int]:
    """Return the numbers of the tasks that a run has been cut into by now."""
    return frozenset(session.scalars(select(RunTask.number).where(RunTask.run == run)))


def sums_of_tasks(session: Session, run: str) -> tuple[int, int, int]:
    """Return how many tasks of a run are open, and the rows and meetings of those that are done."""
    is_done = RunTask.meetings.is_not(None)
    n_open = func.count().filter(~is_done)
    n_rows = func.coalesce(func.sum(RunTask.rows).filter(is_done), 0)
    n_meetings = func.coalesce(func.sum(RunTask.meetings), 0)
    # PostgreSQL's sums are decimal numbers.
    query = select(n_open, cast(n_rows, BigInteger), cast(n_meetings, BigInteger))
    return session.execute(query.where(RunTask.run == run)).one()


def forget_tasks(session: Session, run: str) -> None:
    """Remove the rows of a run's tasks."""
    session.execute(delete(RunTask).where(RunTask.run == run))


def _is_free_task(token: str = "") -> ColumnElement[bool]:
    # What a worker has taken it is at, even where its lease ran out before it was renewed.
    is_left = and_(RunTask.lease_until_ms < database_now_ms(), RunTask.lease_token != token)
    return and_(RunTask.meetings.is_(None), or_(RunTask.lease_token.is_(None), is_left))


def _leased_tasks(token: str) -> Update:
    leased = update(RunTask).where(RunTask.lease_token == token, RunTask.meetings.is_(None))
    return leased.execution_options(synchronize_session=False)
