"""Ends sealed messages before or at their time, for destruction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from app.clock import utc_text
from app.rounds import repository
from app.rounds.models import SealedMessage
from app.sealed.ending import Ended, due_rows

live_messages: Final = repository.live_messages
due_messages: Final = partial(due_rows, SealedMessage)


def end_messages(messages: Sequence[SealedMessage], now: datetime) -> list[Ended]:
    """Mark messages as destroyed; the log has no entry of it."""
    for message in messages:
        message.destroyed = utc_text(now)
    return [
        Ended(
            key=message.object,
            kind="claims",
            party=message.party,
            sha256=message.sha256,
            count=None,
            created=message.received,
            draft=None,
        )
        for message in messages
    ]
