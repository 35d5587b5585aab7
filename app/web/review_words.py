"""Reviews in plain words: what one waits for, how it ended, and how long each step took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.clock import parse_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.review.models import Review
    from app.review.results import Reviewer
    from schemas.rounds.review import ReviewState

# A class of the style sheet: no state is told by it alone.
STATE_MARKS: Final[dict[ReviewState, tuple[str, str]]] = {
    "asked": ("wait", "waits for cards"),
    "answered": ("wait", "under way"),
    "ended": ("good", "ended"),
}
REASON_WORDS: Final = {
    "decided": "It ended when everything was decided that the reviewers could decide.",
    "deadline": "It ended at its deadline.",
    "round-over": "It ended because the next round was opened.",
    "destroyed": "It ended because what it was about was destroyed.",
}


def review_sentence(review: Review) -> str:
    """Return in a sentence what a review waits for, or how it ended."""
    if review.reason is not None:
        outcome = (
            "Nothing was released." if review.release is None else "What was accepted was released."
        )
        return f"{REASON_WORDS[review.reason]} {outcome}"
    if review.answered is None:
        return f"{review.asked} has not sent its cards yet."
    return f"Reviewers of {review.reviewer} decide, with the cards of {review.asked}."


def steps_of(
    review: Review, reviewers: Iterable[Reviewer]
) -> Iterator[tuple[str, str, int | None]]:
    """Yield what happened and when, each with the seconds since the step before; None for the first."""
    first = min((one.first for one in reviewers), default=None)
    before: str | None = None
    named = (
        ("Pairs were put to reviewers", review.created),
        (f"{review.asked} sent its cards", review.answered),
        ("A reviewer decided for the first time", first),
        ("It ended", review.ended),
    )
    happened = sorted((at, what) for what, at in named if at is not None)
    for at, what in happened:
        yield what, at, None if before is None else seconds_between(before, at)
        before = at


def seconds_between(start: str, end: str) -> int:
    """Return the seconds from one time of the broker's to another."""
    return int((parse_utc(end) - parse_utc(start)).total_seconds())


def decided_words(reviewer: Reviewer, floor: int) -> str:
    """Return how many pairs a reviewer decided, as far as that is shown."""
    return f"{reviewer.at_least:,} or more" if reviewer.at_least else f"fewer than {floor:,}"
