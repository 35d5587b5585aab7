"""Ends deliveries before or at their time, for destruction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from app.agreements.service import TermsInForce
from app.clock import utc_text
from app.deliveries import repository
from app.deliveries.models import Delivery
from app.matchlog.draft import EntryDraft
from app.sealed.ending import Ended, due_rows
from schemas.matchlog.delivery_kinds import DeliveryDestroyed

REPLACED: Final = "replaced"
EXPIRED: Final = "expired"


live_deliveries: Final = repository.live_of_project
due_deliveries: Final = partial(due_rows, Delivery)


def end_deliveries(
    deliveries: Sequence[Delivery], binding: TermsInForce, reason: str, now: datetime
) -> list[Ended]:
    """Mark deliveries of one project as destroyed; the caller appends the entries."""
    ended = []
    for delivery in deliveries:
        body = DeliveryDestroyed(sha256=delivery.sha256, reason=_reason(delivery, reason, now))
        delivery.destroyed = utc_text(now)
        ended.append(
            Ended(
                key=delivery.id,
                kind="delivery",
                party=delivery.sender,
                sha256=delivery.sha256,
                count=None,
                created=delivery.received,
                draft=EntryDraft.about(body, delivery, binding.digest, object=delivery.id),
            )
        )
    return ended


def _reason(delivery: Delivery, reason: str, now: datetime) -> str:
    if delivery.replaced is not None:
        return REPLACED
    is_over = delivery.keep_until <= utc_text(now)
    return EXPIRED if is_over and delivery.fetched is None else reason
