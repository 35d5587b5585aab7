"""What a share of a secret is refused for.

RequestError
├── NotHolderError           the terms do not let this party encode, so it holds no secret
├── ShareRefusedError        the share or confirmation is in another's name, or for another secret
├── ShareFetchedError        another share of this sender was fetched already
├── ShareServedError         the recipient has confirmed the secret, and the share is gone
└── SecretConfirmedError     all holders have confirmed one secret, so nobody begins anew
"""

from __future__ import annotations

from app.errors import RequestError


class NotHolderError(RequestError):
    """The terms do not name the party as a provider."""

    code = "not-a-holder"
    status = 409
    title = "The terms do not let this party hold the secret"


class ShareRefusedError(RequestError):
    """The share or confirmation is in another's name, or for another secret than the project's."""

    code = "share-refused"
    status = 422
    title = "The share or confirmation is refused"


class ShareFetchedError(RequestError):
    """A share can be replaced only before its recipient has fetched it."""

    code = "share-fetched"
    status = 409
    title = "The recipient has fetched another share"


class ShareServedError(RequestError):
    """The recipient has confirmed the secret, and the broker keeps no share that has served."""

    code = "share-served"
    status = 410
    title = "The share has served"


class SecretConfirmedError(RequestError):
    """All holders have confirmed one and the same secret for the epoch."""

    code = "secret-confirmed"
    status = 409
    title = "All holders have confirmed the secret"
