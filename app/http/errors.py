"""Refusals of a request's form, before any slice is asked."""

from __future__ import annotations

from app.errors import RequestError


class MalformedBodyError(RequestError):
    """The body is not JSON, or JSON that has two readings."""

    code = "malformed-body"
    status = 400
    title = "The body is not acceptable JSON"


class InvalidDocumentError(RequestError):
    """The body is JSON, but not a valid document of the kind this route takes."""

    code = "invalid-document"
    status = 422
    title = "The document breaks its format"


class InvalidParameterError(RequestError):
    """A parameter of the request is missing or malformed."""

    code = "invalid-parameter"
    status = 422
    title = "A parameter is missing or malformed"


class BodyTooLargeError(RequestError):
    """The body is longer than this route takes; it was read no further."""

    code = "body-too-large"
    status = 413
    title = "The body is too large"


class MediaTypeError(RequestError):
    """The body is of another media type, or compressed."""

    code = "media-type"
    status = 415
    title = "The body's media type is not taken here"


class MethodNotAllowedError(RequestError):
    """There is such a path, but not for this method."""

    code = "method-not-allowed"
    status = 405
    title = "Not with this method"

    def __init__(self, allowed: str) -> None:
        """Take the methods that this path does take, as the Allow header lists them."""
        super().__init__("This path takes another method.", hint=f"it takes {allowed}")
        self.allowed = allowed
