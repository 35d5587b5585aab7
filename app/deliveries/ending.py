"""Ends deliveries before or at their time, for destruction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from app.clock import utc_text
from app.deliveries import repository
from app.deliveries.models import Delivery
from app.matchlog.draft import EntryDraft
from app.sealed.ending import Ended, due_rows
from app.sealed.objects import count_pieces, end_objects
from schemas.matchlog.delivery_kinds import DeliveryDestroyed

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce

REPLACED: Final = "replaced"
EXPIRED: Final = "expired"


def live_deliveries(
    session: Session, project: str, *, party: str | None = None
) -> Sequence[Delivery]:
    """Return, locked, the project's deliveries that are still there: all, or those from and to a party."""
    return repository.live_of_project(session, project, party)


def due_deliveries(session: Session, now: str, project: str) -> Sequence[Delivery]:
    """Return, locked, some of a project's deliveries whose time is over."""
    return due_rows(session, Delivery, now, project)


def end_deliveries(
    session: Session,
    deliveries: Sequence[Delivery],
    binding: TermsInForce,
    reason: str,
    now: datetime,
) -> list[Ended]:
    """Mark deliveries of one project as destroyed; the caller appends the entries."""
    ended = []
    for delivery in deliveries:
        why = _reason(delivery, reason, now)
        delivery.destroyed = utc_text(now)
        ended.append(_ended(session, delivery, binding, why))
    end_objects(session, *(delivery.id for delivery in deliveries))
    return ended


def _reason(delivery: Delivery, reason: str, now: datetime) -> str:
    if delivery.replaced is not None:
        return REPLACED
    is_over = delivery.keep_until <= utc_text(now)
    return EXPIRED if is_over and delivery.fetched is None else reason


def _ended(session: Session, delivery: Delivery, binding: TermsInForce, reason: str) -> Ended:
    return Ended(
        key=delivery.id,
        kind="delivery",
        party=delivery.sender,
        sha256=delivery.sha256,
        count=None,
        pieces=count_pieces(session, delivery.id),
        created=delivery.received,
        draft=EntryDraft.about(
            DeliveryDestroyed(sha256=delivery.sha256, reason=reason),
            delivery,
            binding.digest,
            object=delivery.id,
        ),
    )
