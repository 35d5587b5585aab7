"""All queries of runs. Who may see one is decided by its project."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, or_, select, true, update
from sqlalchemy.orm import Session

from app.db import (
    NEWEST,
    Window,
    database_now_ms,
    is_ahead,
    look_through,
    of_project,
    scalars_of_project,
)
from app.runs.models import ApprovedStep, Run, StandingGrant, StandingUse

PENDING = ("awaiting", "queued", "running")
WITHOUT_RESULT = ("failed", "cancelled")
# Its result, and what it is compared with.
NEWEST_ROUNDS: Final = 2


def get_run(session: Session, run: str, *, lock: bool = False) -> Run | None:
    """Return a run, or None; callers ask its project whether the actor may see it."""
    return session.get(Run, run, populate_existing=True, with_for_update=lock or None)


def require_run(session: Session, run: str) -> Run:
    """Return a run that a row of another table names."""
    return session.get_one(Run, run)


def has_free_run(session: Session) -> bool:
    """Tell whether a run waits or was abandoned."""
    return session.scalar(select(Run.id).where(_is_free()).limit(1)) is not None


def claim_oldest(
    session: Session, token: str, lease_ms: int, most_stalled: int
) -> Row[str, int] | None:
    """Lease the oldest run that is free and was not taken up in vain too often; None where there is none."""
    oldest = (
        select(Run.id)
        .where(_is_free(), Run.stalled_attempts < most_stalled)
        .order_by(Run.created, Run.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return session.execute(
        update(Run)
        .where(Run.id == oldest)
        .values(
            state="running",
            stage="comparing",
            lease_token=token,
            lease_until_ms=lease_end(lease_ms),
            attempts=Run.attempts + 1,
            stalled_attempts=Run.stalled_attempts + 1,
        )
        .returning(Run.id, Run.attempts)
        .execution_options(synchronize_session=False)
    ).one_or_none()


def abandoned_run(session: Session, least_stalled: int) -> Run | None:
    """Return, locked, a run whose worker is gone after so many attempts in vain, or None."""
    return session.scalar(
        select(Run)
        .where(_is_abandoned(), Run.stalled_attempts >= least_stalled)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def change_leased(session: Session, run: str, token: str, values: Mapping[str, Any]) -> bool:
    """Change a run that is leased under this token, or return False where none is."""
    changed = session.execute(
        update(Run)
        .where(Run.id == run, Run.state == "running", Run.lease_token == token)
        .values(values)
        .returning(Run.id)
        .execution_options(synchronize_session=False)
    )
    return changed.one_or_none() is not None


def lease_end(lease_ms: int) -> ColumnElement[int]:
    """Return when a lease that begins now is over, by the database's clock."""
    return database_now_ms() + lease_ms


def runs_of_project(session: Session, project: str, window: Window = NEWEST) -> Sequence[Run]:
    """Return a piece of the project's runs, newest first."""
    query = select(Run).where(Run.project == project)
    return look_through(session, query, Run.created, Run.id, window)


def newest_result(
    session: Session, project: str, pair: tuple[str, str], below: int | None
) -> Run | None:
    """Return the newest run of a pair, the larger file's party first, that succeeded; None: none did."""
    order = (Run.round.desc(), Run.created.desc())
    query = select(Run).where(Run.state == "succeeded").order_by(*order)
    if is_ahead(session, project):
        # Of many projects, the newest run of each pair is asked for, and the one in the round before that.
        rank = func.dense_rank().over(
            partition_by=(Run.project, Run.larger, Run.smaller), order_by=Run.round.desc()
        )
        ranked = select(Run.id, rank.label("rank")).where(Run.state == "succeeded").subquery()
        newest = query.join(ranked, ranked.c.id == Run.id).where(ranked.c.rank <= NEWEST_ROUNDS)
        rows = of_project(session, project, Run.project, lambda: newest, "newest_result")
        runs = [row[0] for row in rows if (row[0].larger, row[0].smaller) == pair]
        if below is None or (runs and below == runs[0].round):
            return next((run for run in runs if below is None or run.round < below), None)
    query = query.where(Run.project == project, Run.larger == pair[0], Run.smaller == pair[1])
    if below is not None:
        query = query.where(Run.round < below)
    return session.scalar(query.limit(1))


def all_runs(session: Session, project: str) -> Sequence[Run]:
    """Return all runs of a project, for the broker itself."""
    return session.scalars(select(Run).where(Run.project == project).order_by(Run.id)).all()


def pending_of_project(session: Session, project: str, number: int | None = None) -> Sequence[Run]:
    """Return, locked, the project's runs that wait or are under way: all, or a round's."""
    query = select(Run).where(Run.project == project, Run.state.in_(PENDING)).order_by(Run.id)
    if number is not None:
        query = query.where(Run.round == number)
    query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).all()


def find_by_idempotency_key(session: Session, project: str, party: str, key: str) -> Run | None:
    """Return what the party asked for in the project under this Idempotency-Key, or None."""
    return session.scalar(
        select(Run).where(Run.project == project, Run.party == party, Run.idempotency_key == key)
    )


def waiting_in_vain(session: Session, project: str, created_until: str) -> Sequence[Run]:
    """Return the project's runs whose worker is gone, and, while nobody works, those that wait for one."""
    is_worked_on = select(Run.id).where(
        Run.state == "running", Run.lease_until_ms >= database_now_ms()
    )
    waits = and_(Run.state == "queued", Run.created <= created_until, ~is_worked_on.exists())
    key = ("waiting_in_vain", created_until)
    return scalars_of_project(
        session,
        project,
        Run.project,
        lambda: select(Run).where(or_(waits, _is_abandoned())).order_by(Run.created, Run.id),
        key,
    )


def count_by_state(session: Session) -> dict[str, int]:
    """Return how many runs of all projects there are in each state, for the broker itself."""
    rows = session.execute(select(Run.state, func.count()).group_by(Run.state))
    return dict(rows.all())


def change_running(session: Session, run: str, values: Mapping[str, Any]) -> bool:
    """Change a run that some worker is at, or return False where none is."""
    changed = session.execute(
        update(Run)
        .where(Run.id == run, Run.state == "running")
        .values(values)
        .returning(Run.id)
        .execution_options(synchronize_session=False)
    )
    return changed.one_or_none() is not None


def set_log_size(session: Session, run: str, size: int) -> None:
    """Note the size of the checkpoint that covers a run's end."""
    session.execute(update(Run).where(Run.id == run).values(log_size=size))


def awaiting_runs(session: Session, project: str | None = None) -> Sequence[Run]:
    """Return, locked, the runs that wait for approvals, of one project or of all (None), oldest first."""
    query = select(Run).where(Run.state == "awaiting")
    if project is not None:
        query = query.where(Run.project == project)
    query = query.order_by(Run.created, Run.id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def to_approve(
    session: Session, project: str, n_releasing: int, released: Select[str] | None = None
) -> Sequence[Run]:
    """Return the project's runs that wait for approvals, oldest first.

    Those that have succeeded are among them while fewer than `n_releasing` parties have approved what is handed
    out; 0: nobody is asked.
    """
    wanted = Run.state == "awaiting"
    if n_releasing:
        given = select(func.count()).where(
            ApprovedStep.run == Run.id, ApprovedStep.step == "release"
        )
        is_open = given.correlate(Run).scalar_subquery() < n_releasing
        is_there = true() if released is None else Run.id.in_(released)
        wanted = or_(wanted, and_(Run.state == "succeeded", is_open, is_there))
    query = select(Run).where(wanted).order_by(Run.created, Run.id)
    key = ("to_approve", n_releasing, released is None)
    return scalars_of_project(session, project, Run.project, lambda: query, key)


def oldest_beyond(session: Session, project: str, size: int) -> Run | None:
    """Return the project's oldest run whose end lies beyond the first `size` entries of the log, or None."""
    query = select(Run).where(Run.log_size > size).order_by(Run.log_size).limit(1)
    if not is_ahead(session, project):
        return session.scalar(query.where(Run.project == project))
    # The size differs from project to project, so that of all their runs the little is read that decides.
    rows = of_project(
        session,
        project,
        Run.project,
        lambda: (
            select(Run.id, Run.log_size).where(Run.log_size.is_not(None)).order_by(Run.log_size)
        ),
        "oldest_beyond",
    )
    found = next((row[0] for row in rows if (row[1] or 0) > size), None)
    return None if found is None else session.get(Run, found)


def get_approval(session: Session, approval: str) -> ApprovedStep | StandingGrant | None:
    """Return what an approval of this id was taken for, or None."""
    return session.get(ApprovedStep, approval) or session.get(StandingGrant, approval)


def forget_approvals(session: Session, approvals: Sequence[str]) -> None:
    """Remove approvals of steps, by their ids."""
    session.execute(delete(ApprovedStep).where(ApprovedStep.id.in_(approvals)))


def approvals_of(session: Session, run: str) -> Sequence[ApprovedStep]:
    """Return the approvals of a run's steps, by step and party."""
    query = select(ApprovedStep).where(ApprovedStep.run == run)
    return session.scalars(query.order_by(ApprovedStep.step.desc(), ApprovedStep.party)).all()


def uses_of(session: Session, run: str) -> Sequence[StandingUse]:
    """Return the standing approvals that a run has taken up, by party."""
    query = select(StandingUse).where(StandingUse.run == run)
    return session.scalars(query.order_by(StandingUse.party)).all()


def grants_of(session: Session, project: str, window: Window) -> Sequence[StandingGrant]:
    """Return a piece of a project's standing approvals, newest first."""
    query = select(StandingGrant).where(StandingGrant.project == project)
    return look_through(session, query, StandingGrant.received, StandingGrant.id, window)


def find_grant(session: Session, project: str, approval: str) -> StandingGrant | None:
    """Return, locked, a standing approval of a project, or None."""
    query = select(StandingGrant).where(
        StandingGrant.project == project, StandingGrant.id == approval
    )
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def standing_grants(
    session: Session, party: str, agreements: Collection[str], policy_sha256: str, day: str
) -> Sequence[StandingGrant]:
    """Return, locked, a party's standing approvals that cover a run of a policy on a day, oldest first."""
    query = select(StandingGrant).where(
        StandingGrant.party == party,
        StandingGrant.agreement.in_(agreements),
        StandingGrant.policy_sha256 == policy_sha256,
        StandingGrant.until >= day,
        StandingGrant.revoked.is_(None),
    )
    order = (StandingGrant.received, StandingGrant.id)
    query = query.order_by(*order).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def grants_under(session: Session, party: str, agreement: str) -> Sequence[StandingGrant]:
    """Return all standing approvals that a party gave under an agreement, oldest first."""
    query = select(StandingGrant).where(
        StandingGrant.party == party, StandingGrant.agreement == agreement
    )
    return session.scalars(query.order_by(StandingGrant.received, StandingGrant.id)).all()


def count_uses(session: Session, approval: str) -> int:
    """Return for how many runs that did not fail, nor were cancelled, a standing approval was used."""
    query = (
        select(func.count())
        .select_from(StandingUse)
        .join(Run, Run.id == StandingUse.run)
        .where(StandingUse.approval == approval, Run.state.not_in(WITHOUT_RESULT))
    )
    return session.scalar(query) or 0


def pending_uses(session: Session, approval: str) -> Sequence[Run]:
    """Return, locked, the runs that have not ended and for which a standing approval was used."""
    used = select(StandingUse.run).where(StandingUse.approval == approval)
    query = select(Run).where(Run.id.in_(used), Run.state.in_(PENDING)).order_by(Run.id)
    query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).all()


def _is_free() -> ColumnElement[bool]:
    return or_(Run.state == "queued", _is_abandoned())


def _is_abandoned() -> ColumnElement[bool]:
    return and_(Run.state == "running", Run.lease_until_ms < database_now_ms())
