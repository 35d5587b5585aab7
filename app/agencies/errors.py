"""What is refused about parties, tokens and sessions."""

from __future__ import annotations

from app.errors import RequestError


class PartyExistsError(RequestError):
    """There is a party of this name already."""

    code = "party-exists"
    status = 409
    title = "There is such a party"


class UnknownPartyError(RequestError):
    """No party of this name is enrolled."""

    code = "unknown-party"
    status = 422
    title = "There is no such party"


class UnknownTokenError(RequestError):
    """No token of this id was issued."""

    code = "unknown-token"
    status = 422
    title = "There is no such token"


class SessionCodeError(RequestError):
    """The one-time code is unknown, used or too old; all three answer alike."""

    code = "session-code"
    status = 401
    title = "The link has expired"
