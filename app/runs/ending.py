"""Ends runs whose inputs are about to be destroyed, for destruction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.clock import utc_text
from app.matchlog.draft import EntryDraft
from app.rounds.service import note_run_state
from app.runs import repository
from app.runs.service import specification_of
from schemas.matchlog.kinds import RunCancelled

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce


def runs_using(session: Session, project: str, uploads: Sequence[str]) -> frozenset[str]:
    """Return the ids of the project's runs that use any of these uploads, whatever became of them."""
    wanted = frozenset(uploads)
    return frozenset(
        run.id
        for run in repository.all_runs(session, project)
        if wanted & {upload.upload for upload in specification_of(run).uploads}
    )


def runs_of_round(session: Session, project: str, number: int) -> frozenset[str]:
    """Return the ids of a round's runs, whatever became of them."""
    return frozenset(run.id for run in repository.all_runs(session, project) if run.round == number)


def cancel_runs(
    session: Session,
    project: str,
    binding: TermsInForce,
    reason: str,
    now: datetime,
    *,
    among: frozenset[str] | None = None,
    number: int | None = None,
) -> list[EntryDraft]:
    """Cancel the project's runs that have not ended, all, those named or a round's, and return their entries.

    A worker that is at one finds that it holds it no longer.
    """
    drafts = []
    for run in repository.pending_of_project(session, project, number):
        if among is not None and run.id not in among:
            continue
        run.state, run.stage, run.finished = "cancelled", "done", utc_text(now)
        run.lease_token = run.lease_until_ms = None
        note_run_state(session, run.id, "cancelled")
        drafts.append(
            EntryDraft(
                RunCancelled(reason=reason),
                project=project,
                agreement=binding.digest,
                purpose=run.purpose,
                object=run.id,
            )
        )
    return drafts
