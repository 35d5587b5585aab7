"""Ends sealed messages before or at their time, for destruction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.clock import utc_text
from app.rounds import repository

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.matchlog.draft import EntryDraft
    from app.rounds.models import SealedMessage
    from schemas.destruction import ObjectKind

BATCH: Final = 50


@dataclass(frozen=True, slots=True)
class Ended:
    """An object that has just been ended, as its certificate will list it, and its log entry if it has one.

    `key` is the name of its key in the key store.
    """

    key: str
    kind: ObjectKind
    party: str | None
    sha256: str
    count: int | None
    pieces: int
    created: str | None
    draft: EntryDraft | None


def live_messages(
    session: Session, project: str, *, party: str | None = None, number: int | None = None
) -> Sequence[SealedMessage]:
    """Return, locked, the project's messages that are there: all, a round's, or those from and to a party."""
    return repository.live_messages(session, project, party=party, number=number)


def due_messages(session: Session, now: str, held: Collection[str]) -> Sequence[SealedMessage]:
    """Return, locked, some messages whose time is over; not those of projects that are held."""
    return repository.due_messages(session, now, BATCH, held)


def end_messages(messages: Sequence[SealedMessage], now: datetime) -> list[Ended]:
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
                pieces=1,
                created=message.received,
                draft=None,
            )
        )
    return ended
