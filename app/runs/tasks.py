"""The tasks of a run, shared out among workers: anyone who holds the run, and those that help.

A task is leased, as the run is, and what it has found is kept only under its lease and while the run is under
way. Its result is the same no matter who does it, so that a task that two have done, for one was taken for
dead, is kept once. Anyone who holds the run alone decides what becomes of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.db import insert_rows
from app.engine import NumberedRange
from app.errors import LeaseLostError
from app.runs import repository, task_repository
from app.runs.models import RunTask
from app.runs.service import specification_of
from app.sealed.models import SealedPiece
from schemas.linkage.run import RunSpecification


class TaskSums(NamedTuple):
    """Of a run's tasks: how many are open, and the rows and meetings of those that are done."""

    n_open: int
    n_rows: int
    n_meetings: int


@dataclass(frozen=True, slots=True)
class Help:
    """A worker that does tasks of a run which another holds, under a token of its own."""

    token: str
    specification: RunSpecification
    range_rows: int


def plan_tasks(session: Session, run: str, plan: Sequence[NumberedRange]) -> None:
    """Let the ranges of a plan be tasks of a run; those that are there, done or not, stay."""
    there = task_repository.numbers_of_tasks(session, run)
    rows = [
        RunTask(run=run, number=task.number, rows=task.n_rows)
        for task in plan
        if task.number not in there
    ]
    if rows:
        insert_rows(session, *rows)


def begin_help(session: Session, among_not: Collection[str]) -> Help | None:
    """Return the help that a run can do with, but for those named; None where none can."""
    run = task_repository.run_with_free_task(session, among_not)
    if run is None:
        return None
    return Help(secrets.token_hex(16), specification_of(run), run.range_rows)


def claim_tasks(session: Session, run: str, token: str, n_most: int, lease_ms: int) -> list[int]:
    """Lease at most so many tasks that nobody is at; returns their numbers, in order."""
    return task_repository.claim_tasks(session, run, token, n_most, lease_ms)


def has_free_task(session: Session, run: str, token: str) -> bool:
    """Tell whether nobody is at one of a run's open tasks, the worker of this token neither."""
    return task_repository.has_free_task(session, run, token)


def sums_of_tasks(session: Session, run: str) -> TaskSums:
    """Return how far a run has come."""
    return TaskSums(*task_repository.sums_of_tasks(session, run))


def keep_task(session: Session, token: str, n_meetings: int, piece: SealedPiece) -> None:
    """Record what a task has found, whose piece is durable, in a transaction that has the run's row locked.

    Raises:
        LeaseLostError: another worker is at the task, or has done it.
    """
    if not task_repository.finish_task(session, piece.object, piece.number, token, n_meetings):
        raise LeaseLostError("Another worker has this task.")
    insert_rows(session, piece)


def note_help(session: Session, run: str) -> None:
    """Note that a run gets on, and lock its row; raises LeaseLostError where it is not under way any more."""
    if not repository.change_running(session, run, {"stalled_attempts": 0}):
        raise LeaseLostError("The run is not under way any more.")


def renew_tasks(session: Session, token: str, lease_ms: int) -> None:
    """Put the end of a worker's leases off; raises LeaseLostError where it has none left."""
    if not task_repository.renew_tasks(session, token, lease_ms):
        raise LeaseLostError("The run is not under way any more, or others are at its tasks.")


def free_tasks(session: Session, token: str) -> None:
    """Let others do the tasks that a worker has leased."""
    task_repository.free_tasks(session, token)
