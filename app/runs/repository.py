"""All queries of runs but those of the lease. Who may see a run is decided by its project."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.runs.models import Run, RunBlock

LIST_LIMIT = 200
PENDING = ("queued", "running")


def get_run(session: Session, run: str, *, lock: bool = False) -> Run | None:
    """Return a run, or None; callers ask its project whether the actor may see it."""
    return session.get(Run, run, populate_existing=True, with_for_update=lock or None)


def runs_of_project(session: Session, project: str) -> Sequence[Run]:
    """Return the project's runs, newest first."""
    query = select(Run).where(Run.project == project)
    return session.scalars(query.order_by(Run.created.desc(), Run.id).limit(LIST_LIMIT)).all()


def find_pending(session: Session, project: str, inputs_sha256: str) -> Run | None:
    """Return the run on the same inputs that waits or is under way, or None: there is at most one."""
    return session.scalar(
        select(Run).where(
            Run.project == project, Run.inputs_sha256 == inputs_sha256, Run.state.in_(PENDING)
        )
    )


def find_succeeded(session: Session, project: str, inputs_sha256: str) -> Run | None:
    """Return the newest run on the same inputs that has succeeded, or None."""
    return session.scalar(
        select(Run)
        .where(Run.project == project, Run.inputs_sha256 == inputs_sha256, Run.state == "succeeded")
        .order_by(Run.finished.desc(), Run.id)
        .limit(1)
    )


def find_by_idempotency_key(session: Session, project: str, party: str, key: str) -> Run | None:
    """Return what the party asked for in the project under this Idempotency-Key, or None."""
    return session.scalar(
        select(Run).where(Run.project == project, Run.party == party, Run.idempotency_key == key)
    )


def finished_blocks(session: Session, run: str) -> Sequence[RunBlock]:
    """Return the finished blocks of a run by number."""
    return session.scalars(
        select(RunBlock).where(RunBlock.run == run).order_by(RunBlock.number)
    ).all()


def unshredded(session: Session, limit: int) -> Sequence[Run]:
    """Return runs that have ended but whose keys or blocks may still be there."""
    return session.scalars(
        select(Run)
        .where(Run.state.not_in(PENDING), Run.is_shredded.is_(False))
        .order_by(Run.id)
        .limit(limit)
    ).all()


def forget_blocks(session: Session, run: str) -> None:
    """Remove the rows of a run's blocks and note that nothing of them is left."""
    session.execute(delete(RunBlock).where(RunBlock.run == run))
    session.execute(update(Run).where(Run.id == run).values(is_shredded=True))


def set_log_size(session: Session, run: str, size: int) -> None:
    """Note the size of the checkpoint that covers a run's end."""
    session.execute(update(Run).where(Run.id == run).values(log_size=size))


def is_block_blob(session: Session, digest: str) -> bool:
    """Tell whether a block's row names this blob."""
    return session.scalar(select(RunBlock.run).where(RunBlock.blob == digest)) is not None


def has_live_key(session: Session, run: str) -> bool:
    """Tell whether a run of this id may still need its keys."""
    query = select(Run.id).where(Run.id == run, Run.is_shredded.is_(False))
    return session.scalar(query) is not None
