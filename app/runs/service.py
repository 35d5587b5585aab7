"""What others may see of a project's runs, and what a run consists of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, project_for, visible
from app.clock import utc_text
from app.db import NEWEST, Window
from app.matching.blocks.concordance import FieldConcordance
from app.runs import repository
from app.runs.counts import Found, counts_for_agency, shown_counts
from app.runs.models import Run
from app.security.actor import Actor
from schemas.api.runs import RunCounts, RunFinality, RunProgress, RunView
from schemas.linkage.run import IdSpace, RunSpecification

# A worker looks for runs every second.
PICKED_UP: Final = timedelta(minutes=1)


def run_for(session: Session, actor: Actor, run: str) -> tuple[Run, TermsInForce]:
    """Return a run of a project that the actor may see, and the project's terms."""
    return visible(session, actor, repository.get_run(session, run))


def runs_for(
    session: Session, actor: Actor, project: str, window: Window = NEWEST
) -> Sequence[Run]:
    """Return a piece of the runs of a project that the actor may see, newest first."""
    project_for(session, actor, project)
    return repository.runs_of_project(session, project, window)


def result_before(session: Session, run: Run) -> Run | None:
    """Return the run that linked the same pair in the last round before this one's; None: none did."""
    return repository.newest_result(session, run.project, (run.larger, run.smaller), run.round)


def newest_result(
    session: Session, actor: Actor, project: str, pair: tuple[str, str]
) -> Run | None:
    """Return the last run that linked a pair of a project that the actor may see; None: none did."""
    project_for(session, actor, project)
    return repository.newest_result(session, project, pair, None)


def waiting_in_vain(session: Session, actor: Actor, project: str, now: datetime) -> Sequence[Run]:
    """Return the runs of a project that nobody works on: their worker is gone, or no worker takes any."""
    project_for(session, actor, project)
    return repository.waiting_in_vain(session, project, utc_text(now - PICKED_UP))


def count_runs(session: Session) -> dict[str, int]:
    """Return how many runs of all projects there are in each state, for the operator's monitoring alone.

    A state without any is missing.
    """
    return repository.count_by_state(session)


def keys_of(run: str, spaces: Iterable[IdSpace]) -> tuple[str, ...]:
    """Return the names under which the key store holds a run's keys: its ranges', then each link-ID set's."""
    return (run, *(space_key(run, space.name) for space in spaces))


def space_key(run: str, space: str) -> str:
    """Return the name of the key from which a run draws the match IDs of one link-ID set."""
    return f"{run}.{space}"


def run_specification(session: Session, run: str) -> RunSpecification:
    """Return the specification of a run that is known to be there, for the broker itself."""
    return specification_of(repository.require_run(session, run))


def specification_of(run: Run) -> RunSpecification:
    """Return the specification as it was asked for."""
    return RunSpecification.from_canonical(run.specification.encode())


def view_of(run: Run, actor: Actor, finality: RunFinality | None = None) -> RunView:
    """Return a run as this actor may see it; `finality` is that of one that has succeeded."""
    specification = specification_of(run)
    return RunView.from_row(
        run,
        match_record=run.match_record,
        run=run.id,
        specification=specification,
        progress=_progress(run),
        counts=_counts(run, specification, actor),
        finality=finality,
    )


def _progress(run: Run) -> RunProgress:
    left = max(run.rows_total - run.rows_done, 0)
    is_timed = run.state == "running" and run.rate > 0
    return RunProgress.from_row(run, seconds_left=-(-left // run.rate) if is_timed else None)


def _counts(run: Run, specification: RunSpecification, actor: Actor) -> RunCounts | None:
    found = found_by(run)
    if found is None:
        return None
    if actor.role == "agency":
        return counts_for_agency(found, specification, actor.party)
    return shown_counts(found, specification.floor)


def found_by(run: Run) -> Found | None:
    """Return what a run found, as it is; None before it has succeeded."""
    counted = [
        run.candidate_pairs,
        run.auto_pairs,
        run.review_pairs,
        run.expected_false,
        run.rejected_before,
        run.expected_missed,
    ]
    known = [count for count in counted if count is not None]
    if run.state != "succeeded" or len(known) != len(counted) or run.concordance is None:
        return None
    of_fields = (FieldConcordance(*one) for one in json.loads(run.concordance))
    candidates, auto, review, wrong, before, missed = known
    return Found(candidates, auto, review, wrong, before, missed, tuple(of_fields), run.rival_pairs)
