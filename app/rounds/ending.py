"""Ends sealed messages before or at their time, for destruction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.clock import utc_text
from app.rounds import repository
from app.rounds.models import SealedMessage
from app.sealed.ending import Ended, due_rows
from app.sealed.objects import count_pieces, end_objects

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def live_messages(
    session: Session, project: str, *, party: str | None = None, number: int | None = None
) -> Sequence[SealedMessage]:
    """Return, locked, the project's messages that are there: all, a round's, or those from and to a party."""
    return repository.live_messages(session, project, party=party, number=number)


def due_messages(session: Session, now: str, project: str) -> Sequence[SealedMessage]:
    """Return, locked, some of a project's messages whose time is over."""
    return due_rows(session, SealedMessage, now, project)


def end_messages(session: Session, messages: Sequence[SealedMessage], now: datetime) -> list[Ended]:
    """Mark messages as destroyed; the log has no entry of it."""
    ended = []
    for message in messages:
        message.destroyed = utc_text(now)
        ended.append(
            Ended(
                key=message.object,
                kind="claims",
                party=message.party,
                sha256=message.sha256,
                count=None,
                pieces=count_pieces(session, message.object),
                created=message.received,
                draft=None,
            )
        )
    end_objects(session, *(message.object for message in messages))
    return ended
