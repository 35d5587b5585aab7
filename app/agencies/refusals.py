"""Refused sign-ins: counted by party and hour, and summed up in the match log once the hour is over.

So an auditor sees that somebody tried, and strangers cannot make the log grow by trying often.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from app.agencies import repository
from app.agencies.models import RefusedSignIns
from app.clock import hour_text
from app.db import add_if_alone
from app.errors import UnavailableError
from app.matchlog.draft import EntryDraft
from schemas.matchlog.kinds import SignInRefused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broker import Broker
    from app.matchlog.service import MatchLog


def note_refusal(broker: Broker, party: str | None) -> None:
    """Count a refusal that has just been, and sum up the hours before this one if the log can be written."""
    now = broker.clock()
    with broker.database.write() as session:
        count_refusal(session, party, now)
    # Where the log cannot grow, the caller must still be answered like everybody who is refused.
    with suppress(UnavailableError), broker.database.write() as session:
        sum_up_refusals(session, broker.log, now)


def count_refusal(session: Session, party: str | None, now: datetime) -> None:
    """Count a sign-in that was refused, in the name of a party, or of nobody who is known (None)."""
    name, hour = party or "", hour_text(now)
    if repository.count_refusal(session, name, hour):
        return
    if not add_if_alone(session, RefusedSignIns(party=name, hour=hour, count=1)):
        repository.count_refusal(session, name, hour)


def sum_up_refusals(session: Session, log: MatchLog, now: datetime) -> int:
    """Log one summary for each party and hour that is over, and return how many."""
    rows = repository.pop_refusals(session, hour_text(now))
    drafts = [
        EntryDraft(
            SignInRefused(party=row.party or None, hour=row.hour, count=row.count),
            outcome="refused",
        )
        for row in rows
    ]
    if drafts:
        log.append(session, drafts)
    return len(drafts)
