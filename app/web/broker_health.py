"""How the broker itself is, as far as it can say: its log, who has cosigned that, its runs, its disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.clock import parse_utc
from app.evidence.service import log_state
from app.runs.service import count_runs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.broker import Broker
    from app.evidence.service import LogState
    from app.security.actor import Actor


@dataclass(frozen=True, slots=True)
class BrokerHealth:
    """The log, what is wrong with it (None: nothing) and the age of its newest entry; for the operator more.

    `runs` are how many runs of all projects are in each state, `free_percent` is of the disk; both are None
    for others.
    """

    log: LogState
    fault: str | None
    age_s: int
    runs: Mapping[str, int] | None
    free_percent: float | None
    reserve_percent: int


def broker_health(
    session: Session, broker: Broker, actor: Actor, now: datetime, fault: str | None
) -> BrokerHealth:
    """Return how the broker is, as far as the actor may see it; `fault` is what is wrong with its log."""
    log = log_state(session)
    is_operator = actor.role == "operator"
    return BrokerHealth(
        log=log,
        fault=fault,
        age_s=max(int((now - parse_utc(log.time)).total_seconds()), 0),
        runs=count_runs(session) if is_operator else None,
        free_percent=broker.blobs.free_percent() if is_operator else None,
        reserve_percent=broker.blobs.reserve_percent,
    )
