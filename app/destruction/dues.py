"""What is still held of a project, and when it must be gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from app.clock import parse_utc

if TYPE_CHECKING:
    from app.decisions.models import MatchRecord
    from app.deliveries.models import Delivery
    from app.links.models import Release
    from app.review.models import Review
    from app.rounds.models import SealedMessage
    from app.uploads.models import Upload

DueState = Literal["held", "overdue", "ended"]

STATE_WORDS: Final[dict[DueState, str]] = {
    "held": "held",
    "overdue": "overdue; about to be destroyed",
    "ended": "ended; its key is being destroyed",
}


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that is held: what, whose, since when, and when it must be gone.

    `object` is the id of an upload, release or delivery, of a run for its match record and its review, and
    `party` whose it is. A match record has no party and no `since`, a review no party, a sealed message no
    object.
    """

    due: str
    what: str
    state: DueState
    object: str | None = None
    party: str | None = None
    since: str | None = None

    def days_left(self, now: datetime) -> int:
        """Return the whole days until it is due; below zero where that has passed."""
        return (parse_utc(self.due) - now).days


def dues_of(
    now: str,
    *,
    uploads: Iterable[Upload],
    releases: Iterable[Release],
    records: Iterable[MatchRecord],
    messages: Iterable[SealedMessage],
    reviews: Iterable[Review],
    deliveries: Iterable[Delivery],
) -> list[Due]:
    """Return all that is held, what is due first at the top."""
    found = [
        *(_due_upload(upload, now) for upload in uploads),
        *(_due_release(release, now) for release in releases),
        *(_due_record(record, now) for record in records),
        *(_due_message(message, now) for message in messages),
        *(_due_review(review, now) for review in reviews),
        *(_due_delivery(delivery, now) for delivery in deliveries),
    ]
    return sorted(found, key=lambda due: (due.due, due.what, due.object or ""))


def _due_upload(upload: Upload, now: str) -> Due:
    # What was never committed ends by itself, a committed one when the terms say.
    due = upload.keep_until or upload.expires
    is_over = upload.state in {"expired", "destroyed"}
    return Due(
        due=due,
        what="encodings" if upload.committed else "encodings of an unfinished upload",
        state=_state(due, now, is_over=is_over),
        object=upload.id,
        party=upload.party,
        since=upload.created,
    )


def _due_release(release: Release, now: str) -> Due:
    return Due(
        due=release.keep_until,
        what="match IDs",
        state=_state(release.keep_until, now, is_over=release.destroyed is not None),
        object=release.id,
        party=release.recipient,
        since=release.created,
    )


def _due_record(record: MatchRecord, now: str) -> Due:
    return Due(
        due=record.keep_until,
        what="match record",
        state=_state(record.keep_until, now, is_over=record.destroyed is not None),
        object=record.run,
    )


def _due_message(message: SealedMessage, now: str) -> Due:
    return Due(
        due=message.keep_until,
        what=f"sealed {message.kind} of round {message.round}",
        state=_state(message.keep_until, now, is_over=message.destroyed is not None),
        party=message.party,
        since=message.received,
    )


def _due_review(review: Review, now: str) -> Due:
    # It ends at its deadline at the latest, and what was in it is destroyed then.
    due = review.keep_until or review.deadline
    return Due(
        due=due,
        what="questions, cards and decisions of a review",
        state=_state(due, now, is_over=review.destroyed is not None),
        object=review.run,
        since=review.created,
    )


def _due_delivery(delivery: Delivery, now: str) -> Due:
    return Due(
        due=delivery.keep_until,
        what=f"sealed delivery of round {delivery.round}",
        state=_state(delivery.keep_until, now, is_over=delivery.destroyed is not None),
        object=delivery.id,
        party=delivery.sender,
        since=delivery.received,
    )


def _state(due: str, now: str, *, is_over: bool) -> DueState:
    if is_over:
        return "ended"
    return "overdue" if due <= now else "held"
