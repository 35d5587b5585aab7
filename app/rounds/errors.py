"""What is refused about rounds; the two classes say only that none is to be opened yet."""

from __future__ import annotations

from typing import Final

from app.errors import RequestError, Rule

NONCES_REFUSED: Final = Rule("nonces-refused", 409, "The nonces were refused")
NONCES_MISSING: Final = Rule("nonces-missing", 409, "Unspent nonces are missing")
ROUND_CLOSED: Final = Rule("round-closed", 409, "The round is over")
NOT_IN_ROUND: Final = Rule("not-in-round", 409, "These two agencies are not a pair of this round")
HANDED_OUT: Final = Rule("releases-fetched", 409, "A release of the round has already been fetched")
SUPPLEMENT_CLOSED: Final = Rule("supplement-closed", 409, "The supplementary release is closed")
CLAIMS_NOT_DUE: Final = Rule("claims-not-due", 409, "No such message is due")
CLAIMS_NOT_AGREED: Final = Rule(
    "claims-not-agreed", 409, "The agreement does not let these parties share link IDs"
)
CLAIMS_GONE: Final = Rule("claims-gone", 410, "The message is gone")


class RoundNotDueError(RequestError):
    """The agreed schedule does not want a round yet."""

    code = "round-not-due"
    status = 409
    title = "No round is due"


class RoundBudgetError(RequestError):
    """The agreement allows no more rounds in these days."""

    code = "round-budget"
    status = 409
    title = "The agreement allows no more rounds for now"
