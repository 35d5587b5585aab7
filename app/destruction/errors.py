"""What is refused about destruction.

RequestError
├── NothingToDestroyError   nothing has bound the project yet, so the broker holds nothing of it
├── NotCertifiedError       the destruction is under way, and there is no certificate yet
└── OtherCertificateError   what was signed is about another certificate or project
"""

from __future__ import annotations

from app.errors import RequestError


class NothingToDestroyError(RequestError):
    """The broker holds nothing that could be destroyed."""

    code = "nothing-to-destroy"
    status = 409
    title = "There is nothing to destroy"


class NotCertifiedError(RequestError):
    """The last key is not gone yet."""

    code = "not-certified"
    status = 409
    title = "There is no certificate yet"


class OtherCertificateError(RequestError):
    """The statement is about something else than the request."""

    code = "other-certificate"
    status = 422
    title = "The statement is about something else"
