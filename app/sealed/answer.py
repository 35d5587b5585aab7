"""How a sealed file is handed out over HTTP: piece by piece, with its length and digest, and kept by nobody."""

from __future__ import annotations

from itertools import chain, islice
from typing import Any, Final

from fastapi import Response
from fastapi.responses import StreamingResponse

from app.sealed.objects import SealedFile

FILE_MEDIA_TYPE: Final = "application/octet-stream"
_CONTENT: Final = {FILE_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
FILE_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": _CONTENT, "headers": {"ETag": {"schema": {"type": "string"}}}}
}
"""What the description of the API says of such an answer."""


def streamed(file: SealedFile) -> Response:
    """Return the answer that has the file. Ask for it before the log says that the file was handed out.

    Raises:
        SealBrokenError, StoreUnavailableError: its first piece, which few files are longer than, cannot be had.
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
