"""What is refused about reviews."""

from __future__ import annotations

from typing import Final

from app.errors import RefusedError, Rule

NOT_OF_REVIEW: Final = Rule("not-of-review", 409, "The other party of the review does this")
REVIEW_OVER: Final = Rule("review-over", 409, "The review is over")
CARDS_REFUSED: Final = Rule("cards-refused", 422, "The cards were refused")
CARDS_DIFFER: Final = Rule("cards-differ", 409, "Different cards are already there")
CARDS_MISSING: Final = Rule("cards-missing", 409, "The cards are not there yet")
DECISIONS_REFUSED: Final = Rule("decisions-refused", 409, "The decisions were refused")


def cards_missing(asked: str) -> RefusedError:
    """Return the refusal of what needs the cards of the asked agency, which have not come yet."""
    return RefusedError(CARDS_MISSING, f"{asked} has not sent its cards yet.")
