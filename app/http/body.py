"""Request bodies, read by us: counted while they arrive, and parsed as strictly as everything signed.

FastAPI's own reader takes duplicate keys and NaN, and answers a wrong field by repeating what was sent.
"""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import Depends, Request

from schemas.document import Document

D = TypeVar("D", bound=Document)


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body, at most `max_bytes` long, reading no further than that.

    Raises:
        BodyTooLargeError: it is longer, or says it will be.
        EncodedBodyError: it comes with a Content-Encoding; none is taken.
    """
    raise NotImplementedError


def json_body(model: type[D]) -> Any:
    """Return the dependency that reads one JSON document of this kind.

    Use: `request_body: Annotated[UploadRequest, json_body(UploadRequest)]`. The limit is the route's policy
    row; what the body must be stands in the OpenAPI document.
    """

    async def read_document(request: Request) -> D:
        raise NotImplementedError

    return Depends(read_document)


def raw_body(media_type: str) -> Any:
    """Return the dependency that reads the bytes of a body of this media type, within the policy's limit.

    Use: `part: Annotated[bytes, raw_body("application/octet-stream")]`.
    """

    async def read_bytes(request: Request) -> bytes:
        raise NotImplementedError

    return Depends(read_bytes)
