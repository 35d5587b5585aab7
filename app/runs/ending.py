"""Ends runs: anyone who does, their keys and ranges end with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, binding_terms, lock_rounds
from app.broker import Broker
from app.clock import utc_text
from app.guarded import do_each
from app.matchlog.draft import EntryDraft
from app.rounds import service as rounds
from app.rounds.closure import close_round
from app.rounds.service import note_run_state
from app.runs import repository, task_repository
from app.runs.models import Run
from app.runs.service import keys_of, specification_of
from app.sealed.objects import end_objects
from app.uploads.ending import expire_open_of
from schemas.linkage.run import RunSpecification
from schemas.matchlog.run_kinds import RunCancelled

OVERDUE: Final = "round-closed"


def runs_using(session: Session, project: str, uploads: Sequence[str]) -> frozenset[str]:
    """Return the ids of the project's runs that use any of these uploads, whatever became of them."""
    wanted = frozenset(uploads)
    return frozenset(
        run.id
        for run in repository.all_runs(session, project)
        if wanted & {upload.upload for upload in specification_of(run).uploads}
    )


def runs_of_round(session: Session, project: str, number: int) -> frozenset[str]:
    """Return the ids of a round's runs, whatever became of them; those that have not ended are locked."""
    repository.pending_of_project(session, project, number)
    return frozenset(run.id for run in repository.all_runs(session, project) if run.round == number)


def mark_cancelled(session: Session, run: Run, now: datetime) -> None:
    """Mark a run as cancelled, whose row is locked: a worker that is at it finds that it holds it no longer."""
    run.state, run.stage, run.finished = "cancelled", "done", utc_text(now)
    run.lease_token = run.lease_until_ms = None
    session.flush()
    end_keys(session, specification_of(run))
    note_run_state(session, run.id, "cancelled")


def end_keys(session: Session, specification: RunSpecification) -> None:
    """End a run's keys, and so its tasks, in the transaction that ends the run."""
    task_repository.forget_tasks(session, specification.run)
    end_objects(session, *keys_of(specification.run, specification.spaces))


def cancel_runs(
    session: Session,
    project: str,
    binding: TermsInForce,
    reason: str,
    now: datetime,
    *,
    among: frozenset[str] | None = None,
    number: int | None = None,
    party: str | None = None,
) -> list[EntryDraft]:
    """Cancel runs of the project that have not ended: all, those named, a round's or a party's.

    Returns their entries.
    """
    drafts = []
    for run in repository.pending_of_project(session, project, number):
        if among is not None and run.id not in among:
            continue
        if party is not None and party not in (run.larger, run.smaller):
            continue
        mark_cancelled(session, run, now)
        drafts.append(
            EntryDraft.about(RunCancelled(reason=reason), run, binding.digest, object=run.id)
        )
    return drafts


def close_overdue(broker: Broker) -> int:
    """Close the rounds whose deadline has passed, a unit of work each, whichever fail; returns how many."""
    now = utc_text(broker.clock())
    with broker.database.read() as session:
        overdue = rounds.overdue_rounds(session, now)
    return do_each(
        "project",
        ((project, partial(_close, broker, project, number)) for project, number in overdue),
    )


def _close(broker: Broker, project: str, number: int) -> bool:
    with broker.database.write() as session:
        lock_rounds(session, project)
        found = rounds.open_round_of(session, project, number)
        binding = binding_terms(session, project, broker.clock())
        if found is None or binding is None:
            return False
        expire_open_of(session, project, None, number)
        now = broker.clock()
        cancelled = cancel_runs(session, project, binding, OVERDUE, now, number=number)
        broker.log.append(session, cancelled)
        return close_round(session, broker, found)
