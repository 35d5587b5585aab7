"""Refusals of a request's form, before any slice is asked."""

from __future__ import annotations

from typing import Final

from app.errors import RequestError, Rule

MALFORMED_BODY: Final = Rule("malformed-body", 400, "The body is not valid JSON")
INVALID_DOCUMENT: Final = Rule("invalid-document", 422, "The document does not follow its format")
INVALID_PARAMETER: Final = Rule("invalid-parameter", 422, "A parameter is missing or malformed")
BODY_TOO_LARGE: Final = Rule("body-too-large", 413, "The body is too large")
TOO_SLOW: Final = Rule("too-slow", 408, "The request was too slow")
MALFORMED_HTTP: Final = Rule("malformed-http", 400, "The request is not valid HTTP")
MEDIA_TYPE: Final = Rule("media-type", 415, "This media type is not accepted here")


class MethodNotAllowedError(RequestError):
    """There is such a path, but not for this method."""

    code = "method-not-allowed"
    status = 405
    title = "This method is not allowed here"

    def __init__(self, allowed: str) -> None:
        """Take the methods that this path does take, as the Allow header lists them."""
        super().__init__("This path takes another method.", hint=f"it takes {allowed}")
        self.allowed = allowed
