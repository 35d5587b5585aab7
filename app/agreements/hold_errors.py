"""What is refused about legal holds, or because of one.

RequestError
├── LegalHoldError     nothing of the project may be destroyed now
└── HoldRefusedError   a hold is not set or lifted by this statement
"""

from __future__ import annotations

from app.errors import RequestError


class LegalHoldError(RequestError):
    """A legal hold stands."""

    code = "legal-hold"
    status = 409
    title = "A legal hold forbids destruction"


class HoldRefusedError(RequestError):
    """The statement does not set or lift a hold."""

    code = "hold-refused"
    status = 409
    title = "The legal hold was not changed"
