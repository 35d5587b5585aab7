"""What is refused before a slice is asked: no credential, the wrong one, too often; and lost keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.errors import BrokerError, RequestError, Rule, UnavailableError

# The caller is known, but this route is not for its role.
WRONG_ROLE: Final = Rule("wrong-role", 403, "This role may not do this")
# A page's request lacks its session's token against cross-site forgery.
FORGED_REQUEST: Final = Rule(
    "cross-site-request", 403, "The request did not come from the broker's pages"
)


class NotAuthenticatedError(RequestError):
    """There is no credential, or none that is valid now; unknown, expired and revoked answer alike."""

    code = "not-authenticated"
    status = 401
    title = "Not signed in"


class SignInRefusedError(NotAuthenticatedError):
    """A claim or proof is not one that signs anybody in; neither attribute is ever in the answer.

    `reason` is the rule that is broken, `party` whom the claim was made in the name of, null where that is
    nobody who is known.
    """

    def __init__(self, reason: str, party: str | None = None) -> None:
        """Take the rule: a word of ours, such as the claim's name, and nothing that was sent."""
        super().__init__("The sign-in is refused.")
        self.reason = reason
        self.party = party


class SessionNeededError(NotAuthenticatedError):
    """A page was asked for without a session that is valid now; pages answer it with a page of their own."""


class TooManyRequestsError(RequestError):
    """The caller goes beyond its rate; `retry_after_s` says when the next request may succeed."""

    code = "too-many-requests"
    status = 429
    title = "Too many requests"

    def __init__(self, retry_after_s: int) -> None:
        """Take the whole seconds after which the next request may succeed."""
        super().__init__(f"Too many requests; try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


# The caller is known; what is missing is that they sign what the match log will say of them.
REQUEST_UNSIGNED: Final = Rule("request-unsigned", 400, "The request is not signed")

# They sign it under an agreement that another one has replaced, or that does not bind yet.
REQUEST_AGREEMENT: Final = Rule(
    "request-agreement", 409, "Made under another agreement than the one that binds"
)


class KeyGoneError(BrokerError):
    """The key of an object was destroyed, or never made: what it sealed cannot be read any more."""

    code = "key-gone"
    status = 410
    title = "The key was destroyed"


class SealBrokenError(BrokerError):
    """Sealed bytes are damaged, or are not those of the object they are said to be."""

    code = "seal-broken"
    title = "Stored data is damaged"


class BlobMissingError(SealBrokenError):
    """Sealed bytes that should be there are not."""

    code = "blob-missing"
    title = "Stored data is missing"


class StorageFullError(UnavailableError):
    """The disk has less free space than the broker keeps in reserve."""

    code = "storage-full"
    status = 507
    title = "The broker's disk is nearly full"


class StoreUnavailableError(UnavailableError):
    """The object store does not answer, or does not do what it is asked."""

    code = "store-unavailable"
    title = "The broker's object store does not answer"


class KeyKeeperUnavailableError(UnavailableError):
    """What keeps the key-encryption keys does not answer, or refuses; its detail is for the operator alone."""

    code = "key-keeper-unavailable"
    title = "What keeps the broker's keys does not answer"
    public = (
        "What keeps the broker's keys does not answer. Nothing is lost: do the same again later."
    )


@contextmanager
def storing() -> Iterator[None]:
    """Let what cannot be written within the block be a StorageFullError, whatever the disk says."""
    try:
        yield
    except OSError as exc:
        raise StorageFullError("The broker cannot store this now.") from exc
