"""Errors of clerical review."""

from __future__ import annotations

from encoding.errors import AgencyError, InputError


class ReviewError(AgencyError):
    """A clerical review cannot go on as asked."""

    code = "review"


class CardUntrustedError(ReviewError):
    """A card is not of a person of the asked agency, or not of this review, or shows what was not agreed."""

    code = "card-untrusted"


class DecisionError(ReviewError):
    """A decision that cannot be taken, or not be taken back any more."""

    code = "decision"


NotReviewerError = ReviewError.row(
    "not-reviewer", "Only a person with the duty reviewer opens cards.", exit_code=4
)
QuestionsUntrustedError = ReviewError.row(
    "questions-untrusted",
    "What the broker asks is not what the match log lists, or is of records that were not sent.",
)
CardTooLongError = ReviewError.row(
    "card-too-long", "The agreement shows more of a record than a card holds."
)
DecisionsFileError = InputError.row(
    "decisions-file", "Not a file of this review's decisions, or one whose pairs were changed."
)
