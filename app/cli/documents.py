"""Reads the documents that an operator gives to a command as files."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from app.errors import RequestError
from schemas.canonical import parse_json
from schemas.document import Document
from schemas.errors import CanonicalError, DocumentError

D = TypeVar("D", bound=Document)

MAX_FILE_BYTES = 2**20


def read_document(kind: type[D], file: Path) -> D:
    """Read a JSON document, canonical or laid out for people.

    Raises:
        RequestError: it is larger than 1 MiB.
        DocumentError: it is not a document of this kind.
    """
    if file.stat().st_size > MAX_FILE_BYTES:
        raise RequestError(f"the file of the {kind.KIND} is larger than 1 MiB")
    try:
        return kind.from_json(parse_json(file.read_bytes()))
    except CanonicalError as exc:
        raise DocumentError(f"{kind.KIND}: {exc}") from exc
