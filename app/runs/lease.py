"""Who works on a run: a lease that a living worker renews, and a token that fences off all others.

A worker that was stopped for longer than its lease, and wakes, finds that its token no longer stands in
the row: each of its writes changes nothing and raises. Times are the database's, so that the clocks of
workers on other machines do not matter.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, and_, or_, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import GenericFunction

from app.runs.errors import LeaseLostError
from app.runs.models import Run

LEASE_MS: Final = 30_000
# A run that ends its worker this often without one more finished range would do so for ever.
MAX_STALLED_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Lease:
    """One worker's hold on one run; `attempt` counts from 1."""

    run: str
    token: str
    attempt: int


class database_now_ms(GenericFunction[int]):  # noqa: N801 - named as what it becomes in SQL
    """Milliseconds since 1970 by the database's clock, at this statement."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_now_ms, "sqlite")
def _sqlite_now(_element: Any, _compiler: Any, **_: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


@compiles(database_now_ms, "postgresql")
def _postgres_now(_element: Any, _compiler: Any, **_: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


def has_work(session: Session) -> bool:
    """Tell whether a run waits or was abandoned, without taking the lock that a claim needs."""
    return session.scalar(select(Run.id).where(_is_free()).limit(1)) is not None


def claim_run(session: Session, *, lease_ms: int = LEASE_MS) -> Lease | None:
    """Take the oldest run that waits, or whose worker's lease is over; None where there is none.

    A run that has used up its attempts is not taken; `exhausted_run` finds it.
    """
    token = secrets.token_hex(16)
    oldest = (
        select(Run.id)
        .where(_is_free(), Run.stalled_attempts < MAX_STALLED_ATTEMPTS)
        .order_by(Run.created, Run.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = session.execute(
        update(Run)
        .where(Run.id == oldest)
        .values(
            state="running",
            stage="comparing",
            lease_token=token,
            lease_until_ms=database_now_ms() + lease_ms,
            attempts=Run.attempts + 1,
            stalled_attempts=Run.stalled_attempts + 1,
        )
        .returning(Run.id, Run.attempts)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return None if row is None else Lease(row.id, token, row.attempts)


def exhausted_run(session: Session) -> Run | None:
    """Return, locked, a run whose last worker is gone and whose attempts are used up, or None."""
    return session.scalar(
        select(Run)
        .where(_is_abandoned(), Run.stalled_attempts >= MAX_STALLED_ATTEMPTS)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def write_under_lease(session: Session, lease: Lease, **values: Any) -> None:
    """Change the run's row if the lease's token still stands in it, and lock it for the transaction.

    Raises:
        LeaseLostError: the run was cancelled, or another worker holds it.
    """
    changed = session.execute(
        update(Run)
        .where(Run.id == lease.run, Run.state == "running", Run.lease_token == lease.token)
        .values(values)
        .returning(Run.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if changed is None:
        raise LeaseLostError("Another worker holds this run, or it was cancelled.")


def renew_lease(session: Session, lease: Lease, *, lease_ms: int = LEASE_MS) -> None:
    """Put the end of the lease off; raises LeaseLostError as `write_under_lease` does."""
    write_under_lease(session, lease, lease_until_ms=database_now_ms() + lease_ms)


def give_back(session: Session, lease: Lease) -> None:
    """End the lease now, so that the next worker takes the run up at once; nobody's fault is counted."""
    write_under_lease(session, lease, lease_until_ms=0, stalled_attempts=0)


def _is_free() -> Any:
    return or_(Run.state == "queued", _is_abandoned())


def _is_abandoned() -> Any:
    return and_(Run.state == "running", Run.lease_until_ms < database_now_ms())
