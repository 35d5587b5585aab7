"""Seals a file to persons, and opens what was sealed to one's own keys: in pieces, in flat memory.

Spec page: `schemas/spec/sealed-file.md`.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterable, Iterator
from typing import IO

from encoding.errors import SealedFileError
from encoding.people.identity import Identity
from schemas import sealed_file
from schemas.errors import FormatError, SealedError
from schemas.sealed_file import CHUNK_BYTES, MAGIC, TAG_BYTES, Address, SealedFileHeader
from schemas.sealing import KEY_BYTES

__all__ = [
    "CHUNK_BYTES",
    "MAGIC",
    "TAG_BYTES",
    "Address",
    "open_pieces",
    "open_whole",
    "read_sealed_header",
    "seal_pieces",
]


def seal_pieces(content: Iterable[bytes], address: Address) -> Iterator[bytes]:
    """Yield the sealed file of the content, which comes in pieces of any sizes."""
    return sealed_file.seal_pieces(content, address, secrets.token_bytes(KEY_BYTES))


def read_sealed_header(file: IO[bytes]) -> tuple[SealedFileHeader, bytes]:
    """Return the header at the file's beginning and the exact bytes of the head, leaving the file after it.

    Raises:
        SealedFileError: it is not a sealed file of this version.
    """
    try:
        return sealed_file.read_sealed_header(file)
    except SealedError as exc:
        raise SealedFileError(str(exc)) from None
    except FormatError as exc:
        raise SealedFileError(f"its head is damaged: {exc}") from None


def open_pieces(file: IO[bytes], receiver: Identity) -> Iterator[bytes]:
    """Yield the content of a sealed file, each piece once it has been authenticated.

    What was yielded counts only if the last piece comes too: a file that was cut off ends with an error.

    Raises:
        SealedFileError: it was sealed to others, or was changed or cut off.
    """
    header, head = read_sealed_header(file)
    public, private = receiver.public, receiver.keys.receiving_key
    try:
        yield from sealed_file.open_chunks(file, header, head, public, private)
    except FormatError as exc:
        raise SealedFileError(f"it cannot be opened: {exc}") from None


def open_whole(raw: bytes, keys: Iterable[Identity]) -> bytes:
    """Return what the first keys that open it find in a small sealed file: one's own, and those they replaced.

    Raises:
        SealedFileError: none of them does; what the first ones met.
    """
    first: SealedFileError | None = None
    for own in keys:
        try:
            return b"".join(open_pieces(io.BytesIO(raw), own))
        except SealedFileError as exc:
            first = first or exc
    raise first or SealedFileError("there are no keys to open it with")
