"""What others may see of a project's runs, and what a run consists of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from app.agreements.service import project_for, visible
from app.clock import utc_text
from app.db import NEWEST, Window
from app.runs import repository
from schemas.linkage.run import RunSpecification

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.runs.models import Run
    from app.security.actor import Actor
    from schemas.linkage.run import IdSpace

# A worker looks for runs every second.
PICKED_UP: Final = timedelta(minutes=1)


def run_for(session: Session, actor: Actor, run: str) -> tuple[Run, TermsInForce]:
    """Return a run of a project that the actor may see, and the project's terms.

    Raises:
        NotFoundError: there is none, or it is not the caller's to see: both alike.
    """
    return visible(session, actor, repository.get_run(session, run))


def runs_for(
    session: Session, actor: Actor, project: str, window: Window = NEWEST
) -> Sequence[Run]:
    """Return a piece of the runs of a project that the actor may see, newest first.

    Raises:
        NotFoundError: no such project, or not the caller's; no such run to look on from.
    """
    project_for(session, actor, project)
    return repository.runs_of_project(session, project, window)


def result_before(session: Session, run: Run) -> Run | None:
    """Return the run that linked the same pair in the last round before this one's; None: none did."""
    return repository.newest_result(session, run.project, (run.larger, run.smaller), run.round)


def newest_result(
    session: Session, actor: Actor, project: str, pair: tuple[str, str]
) -> Run | None:
    """Return the last run that linked a pair of a project that the actor may see; None: none did.

    Raises:
        NotFoundError: no such project, or not the caller's.
    """
    project_for(session, actor, project)
    return repository.newest_result(session, project, pair, None)


def waiting_in_vain(session: Session, actor: Actor, project: str, now: datetime) -> Sequence[Run]:
    """Return the runs of a project that nobody works on: their worker is gone, or no worker takes any.

    Raises:
        NotFoundError: no such project, or not the caller's.
    """
    project_for(session, actor, project)
    return repository.waiting_in_vain(session, project, utc_text(now - PICKED_UP))


def count_runs(session: Session) -> dict[str, int]:
    """Return how many runs of all projects there are in each state, for the operator's monitoring alone.

    A state without any is missing.
    """
    return repository.count_by_state(session)


def keys_of(run: str, spaces: Iterable[IdSpace]) -> tuple[str, ...]:
    """Return the names under which the key store holds a run's keys: its ranges', then each ID space's."""
    return (run, *(space_key(run, space.name) for space in spaces))


def space_key(run: str, space: str) -> str:
    """Return the name of the key from which a run draws the match IDs of one ID space."""
    return f"{run}.{space}"


def run_specification(session: Session, run: str) -> RunSpecification:
    """Return the specification of a run that is known to be there, for the broker itself."""
    return specification_of(repository.require_run(session, run))


def specification_of(run: Run) -> RunSpecification:
    """Return the specification as it was asked for."""
    return RunSpecification.from_canonical(run.specification.encode())
