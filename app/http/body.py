"""Request bodies, read by us: counted while they arrive, and parsed as strictly as everything signed.

FastAPI's own reader takes duplicate keys and NaN, and answers a wrong field by repeating what was sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from app.errors import BODY_TOO_LARGE, INVALID_DOCUMENT, MALFORMED_BODY, MEDIA_TYPE, RefusedError
from schemas.documents.canonical import parse_json
from schemas.documents.document import Document
from schemas.documents.errors import CanonicalError, DocumentError

D = TypeVar("D", bound=Document)

JSON_MEDIA_TYPE: Final = "application/json"
FORM_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS: Final = 16
_DESCRIPTION: Final = "described_body"


@dataclass(frozen=True, slots=True)
class BodyDescription:
    """What a route takes, for the OpenAPI document; `model` is None where the body is raw bytes."""

    media_type: str
    model: type[Document] | None


def json_body(model: type[D]) -> Any:
    """Return the dependency that reads one JSON document of this kind.

    Use: `upload: Annotated[UploadRequest, json_body(UploadRequest)]`. The limits are the route's policy row;
    what the body must be stands in the OpenAPI document.
    """

    async def read_document(request: Request) -> D:
        raw = await _read(request, JSON_MEDIA_TYPE)
        # Not on the event loop, where all others would wait for it.
        return await run_in_threadpool(_parse, model, raw, request.state.max_body_values)

    return _described(read_document, BodyDescription(JSON_MEDIA_TYPE, model))


def form_body(model: type[D]) -> Any:
    """Return the dependency that reads one form whose fields, all texts, are those of this kind of document.

    Use: `wanted: Annotated[TokenRequest, form_body(TokenRequest)]`.
    """

    async def read_form(request: Request) -> D:
        return _document(model, dict(_fields(await _read(request, FORM_MEDIA_TYPE))))

    return _described(read_form, BodyDescription(FORM_MEDIA_TYPE, model))


def raw_body(media_type: str) -> Any:
    """Return the dependency that reads the bytes of a body of this media type, within the policy's limit.

    Use: `part: Annotated[bytes, raw_body("application/octet-stream")]`.
    """

    async def read_bytes(request: Request) -> bytes:
        return await _read(request, media_type)

    return _described(read_bytes, BodyDescription(media_type, None))


def streamed_body(media_type: str) -> Any:
    """Return the dependency that gives a body of this media type chunk by chunk, within the policy's limit.

    For what is too large to hold. Use: `chunks: Annotated[AsyncIterator[bytes], streamed_body("...")]`, in a
    coroutine.
    """

    async def read_chunks(request: Request) -> AsyncIterator[bytes]:
        require_media_type(request, media_type)
        return body_chunks(request, request.state.max_body_bytes)

    return _described(read_chunks, BodyDescription(media_type, None))


def description_of(dependency: object) -> BodyDescription | None:
    """Return what a dependency reads, if it is one of this module's."""
    return getattr(dependency, _DESCRIPTION, None)


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body, at most `max_bytes` long, reading no further than that.

    Raises:
        body-too-large: it is longer, or says it will be.
        media-type: it is compressed; nothing compressed is taken, so nothing expands.
    """
    return b"".join([chunk async for chunk in body_chunks(request, max_bytes)])


async def body_chunks(request: Request, max_bytes: int) -> AsyncIterator[bytes]:
    """Yield the body chunk by chunk; raises what `read_body` raises, once it comes to it."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusedError(
            MEDIA_TYPE, "A body with a Content-Encoding is not accepted; send it without one."
        )
    refuse_announced(request, max_bytes)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        yield chunk


def require_media_type(request: Request, media_type: str) -> None:
    """Raise media-type where the body says that it is something else."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != media_type:
        raise RefusedError(MEDIA_TYPE, f"The body must be of the media type {media_type}.")


def refuse_announced(request: Request, max_bytes: int) -> None:
    """Raise body-too-large where the headers already announce more than the route takes."""
    announced = request.headers.get("content-length", "0")
    # The HTTP parser lets only digits through; a huge number of them is not worth converting.
    too_long = len(announced) > 18 or int(announced) > max_bytes
    if too_long or (max_bytes == 0 and "transfer-encoding" in request.headers):
        raise _too_large(max_bytes)


async def _read(request: Request, media_type: str) -> bytes:
    require_media_type(request, media_type)
    return await read_body(request, request.state.max_body_bytes)


def _parse(model: type[D], raw: bytes, max_values: int) -> D:
    # Those in texts count too: nothing is read before the bound is known to hold.
    if sum(map(raw.count, (b",", b"[", b"{"))) > max_values:
        raise RefusedError(BODY_TOO_LARGE, f"The body may hold at most {max_values} values.")
    try:
        value = parse_json(raw)
    except CanonicalError as exc:
        raise RefusedError(MALFORMED_BODY, f"The body is refused: {exc}.") from exc
    return _document(model, value)


def _document(model: type[D], value: Any) -> D:
    try:
        return model.from_json(value)
    except DocumentError as exc:
        raise RefusedError(INVALID_DOCUMENT, f"{exc}.") from exc


def _fields(raw: bytes) -> list[tuple[str, str]]:
    try:
        fields = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except ValueError:
        raise RefusedError(MALFORMED_BODY, "The body is not a form.") from None
    if len({name for name, _ in fields}) != len(fields):
        raise RefusedError(MALFORMED_BODY, "The body names a field twice.")
    return fields


def _too_large(max_bytes: int) -> RefusedError:
    if max_bytes == 0:
        return RefusedError(BODY_TOO_LARGE, "This route takes no body.")
    return RefusedError(BODY_TOO_LARGE, f"The body may have at most {max_bytes} bytes.")


def _described(reader: Callable[[Request], Awaitable[Any]], description: BodyDescription) -> Any:
    setattr(reader, _DESCRIPTION, description)
    return Depends(reader)
