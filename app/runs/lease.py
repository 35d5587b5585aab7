"""Who works on a run: a lease that a living worker renews, and a token that fences off all others.

A worker that was stopped for longer than its lease, and wakes, finds that its token no longer stands in
the row: each of its writes changes nothing and raises. Times are the database's, so that the clocks of
workers on other machines do not matter.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from app.errors import LeaseLostError
from app.runs import repository, task_repository
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


def has_work(session: Session) -> bool:
    """Tell whether a run waits or was abandoned, without taking the lock that a claim needs."""
    return repository.has_free_run(session)


def claim_run(session: Session, *, lease_ms: int = LEASE_MS) -> Lease | None:
    """Take the oldest run that waits, or whose worker's lease is over; None where there is none.

    A run that has used up its attempts is not taken; `exhausted_run` finds it.
    """
    token = secrets.token_hex(16)
    claimed = repository.claim_oldest(session, token, lease_ms, MAX_STALLED_ATTEMPTS)
    return None if claimed is None else Lease(claimed.id, token, claimed.attempts)


def exhausted_run(session: Session) -> Run | None:
    """Return, locked, a run whose last worker is gone and whose attempts are used up, or None."""
    return repository.abandoned_run(session, MAX_STALLED_ATTEMPTS)


def write_under_lease(session: Session, lease: Lease, **values: Any) -> None:
    """Change the run's row if the lease's token still stands in it, and lock it for the transaction."""
    if not repository.change_leased(session, lease.run, lease.token, values):
        raise LeaseLostError("Another worker holds this run, or it was cancelled.")


def renew_lease(session: Session, lease: Lease, *, lease_ms: int = LEASE_MS) -> None:
    """Put the end of the lease, and of its tasks', off; raises LeaseLostError as `write_under_lease` does."""
    write_under_lease(session, lease, lease_until_ms=repository.lease_end(lease_ms))
    task_repository.renew_tasks(session, lease.token, lease_ms)


def give_back(session: Session, lease: Lease) -> None:
    """End the lease now, so that the next worker takes the run up at once; nobody's fault is counted."""
    write_under_lease(session, lease, lease_until_ms=0, stalled_attempts=0)
    task_repository.free_tasks(session, lease.token)


def forgive_attempt(session: Session, lease: Lease) -> None:
    """Let this attempt not count, and leave the run to the lease's end; raises LeaseLostError."""
    write_under_lease(session, lease, stalled_attempts=0)
