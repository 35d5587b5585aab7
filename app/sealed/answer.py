"""How a sealed file is handed out over HTTP: piece by piece, with its length and digest, and kept by nobody."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, islice
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from fastapi import Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from app.broker import Broker
from app.sealed.objects import SealedFile

AnswerT = TypeVar("AnswerT")
Wanted = ParamSpec("Wanted")

FILE_MEDIA_TYPE: Final = "application/octet-stream"
_CONTENT: Final = {FILE_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
FILE_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": _CONTENT, "headers": {"ETag": {"schema": {"type": "string"}}}}
}
"""What the description of the API says of such an answer."""


def streamed(file: SealedFile) -> Response:
    """Return the answer that has the file, with its first piece, which few files are longer than.

    Raises:
        SealBrokenError, StoreUnavailableError: that piece cannot be had.
    """
    pieces = iter(file.pieces)
    first = list(islice(pieces, 1))
    return StreamingResponse(
        chain(first, pieces),
        media_type=FILE_MEDIA_TYPE,
        headers={
            "content-length": str(file.content.size_bytes),
            "etag": f'"{file.content.sha256}"',
            "cache-control": "no-store",
        },
    )


def handed_out(
    make: Callable[[SealedFile], AnswerT],
    open_file: Callable[Concatenate[Session, Broker, Wanted], SealedFile],
    log: Callable[Concatenate[Session, Broker, Wanted], object],
    broker: Broker,
    *wanted: Wanted.args,
    **named: Wanted.kwargs,
) -> AnswerT:
    """Return what is made of a file; what `log` notes of it is committed before its first byte leaves.

    It is made first, so that the log has no file as handed out which cannot be read.
    """
    with broker.database.read() as session:
        file = open_file(session, broker, *wanted, **named)
    answer = make(file)
    with broker.database.write() as session:
        log(session, broker, *wanted, **named)
    return answer
