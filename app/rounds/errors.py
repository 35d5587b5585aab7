"""What is refused about rounds.

RequestError
├── NoncesRefusedError       not numbered on, offered before, in another's name, or too many
├── NoncesMissingError       no pair of parties has an unspent nonce each
├── RoundNotDueError         the schedule does not want a round yet
├── RoundBudgetError         the agreement allows no more rounds in these days
├── RoundClosedError         the round is closed or superseded
├── NotInRoundError          the two parties are no pair of the round
├── HandedOutError           a round whose releases were fetched cannot be corrected
├── ClaimsNotDueError        the pair, or the ID space, owes no such message
└── ClaimsGoneError          the message was kept as long as agreed
"""

from __future__ import annotations

from app.errors import RequestError


class NoncesRefusedError(RequestError):
    """The offer does not continue what its party offered before, or is not its to make."""

    code = "nonces-refused"
    status = 409
    title = "The nonces are refused"


class NoncesMissingError(RequestError):
    """A round needs an unspent nonce of both parties of a pair."""

    code = "nonces-missing"
    status = 409
    title = "Unspent nonces are missing"


class RoundNotDueError(RequestError):
    """The agreed schedule does not want a round yet."""

    code = "round-not-due"
    status = 409
    title = "No round is due"


class RoundBudgetError(RequestError):
    """The agreement allows no more rounds in these days."""

    code = "round-budget"
    status = 409
    title = "No more rounds are agreed on for now"


class RoundClosedError(RequestError):
    """The round is closed, or another has taken its place."""

    code = "round-closed"
    status = 409
    title = "The round is over"


class NotInRoundError(RequestError):
    """The caller's party and the partner are no pair of the round."""

    code = "not-in-round"
    status = 409
    title = "Not a pair of this round"


class HandedOutError(RequestError):
    """What was handed out cannot be made not to count."""

    code = "releases-fetched"
    status = 409
    title = "A release of the round was fetched"


class ClaimsNotDueError(RequestError):
    """Such a message is due only where both sides receive links in one ID space, and a run has them."""

    code = "claims-not-due"
    status = 409
    title = "No such message is due"


class ClaimsGoneError(RequestError):
    """The message was kept as long as the terms allow, and is gone."""

    code = "claims-gone"
    status = 410
    title = "The message is gone"
