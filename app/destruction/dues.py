"""What is still held of a project, and when it must be gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from app.clock import parse_utc
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

    def held(due: str, what: str, *, is_over: bool, **of: str | None) -> Due:
        return Due(due, what, _state(due, now, is_over=is_over), **of)

    found: list[Due] = []
    for upload in uploads:
        # What was never committed ends by itself, a committed one when the terms say.
        due = upload.keep_until or upload.expires
        what = "encodings" if upload.committed else "encodings of an unfinished upload"
        is_over = upload.state in {"expired", "destroyed"}
        of = {"object": upload.id, "party": upload.party, "since": upload.created}
        found.append(held(due, what, is_over=is_over, **of))
    for release in releases:
        is_over = release.destroyed is not None
        of = {"object": release.id, "party": release.recipient, "since": release.created}
        found.append(held(release.keep_until, "match IDs", is_over=is_over, **of))
    for record in records:
        is_over = record.destroyed is not None
        found.append(held(record.keep_until, "match record", is_over=is_over, object=record.run))
    for message in messages:
        what = f"sealed {message.kind} of round {message.round}"
        is_over = message.destroyed is not None
        of = {"party": message.party, "since": message.received}
        found.append(held(message.keep_until, what, is_over=is_over, **of))
    for review in reviews:
        # It ends at its deadline at the latest, and what was in it is destroyed then.
        due = review.keep_until or review.deadline
        what = "questions, cards and decisions of a review"
        is_over = review.destroyed is not None
        found.append(held(due, what, is_over=is_over, object=review.run, since=review.created))
    for delivery in deliveries:
        what = f"sealed delivery of round {delivery.round}"
        is_over = delivery.destroyed is not None
        of = {"object": delivery.id, "party": delivery.sender, "since": delivery.received}
        found.append(held(delivery.keep_until, what, is_over=is_over, **of))
    return sorted(found, key=lambda due: (due.due, due.what, due.object or ""))


def _state(due: str, now: str, *, is_over: bool) -> DueState:
    if is_over:
        return "ended"
    return "overdue" if due <= now else "held"
