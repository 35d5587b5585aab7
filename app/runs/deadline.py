"""Rounds past their deadline: what has not ended is cancelled, and the round closes with what is there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from app.agreements.service import binding_terms, lock_rounds
from app.clock import utc_text
from app.guarded import do_each
from app.rounds import service as rounds
from app.rounds.closure import close_round
from app.runs.ending import cancel_runs
from app.uploads.ending import expire_open_of

if TYPE_CHECKING:
    from app.broker import Broker

OVERDUE: Final = "round-closed"


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
