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
from schemas.documents.errors import FormatError, SealedError
from schemas.signing import sealed_file
from schemas.signing.sealed_file import CHUNK_BYTES, MAGIC, TAG_BYTES, Address, SealedFileHeader
from schemas.signing.sealing import KEY_BYTES, SealedHeader, receiving_key_sha256

__all__ = [
    "CHUNK_BYTES",
    "MAGIC",
    "TAG_BYTES",
    "Address",
    "open_pieces",
    "open_whole",
    "read_sealed_header",
    "receiver_of",
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
    """Return the content of a small sealed file; `keys` are as for `receiver_of`.

    Raises:
        SealedFileError: it was sealed to others, or was changed or cut off.
    """
    header, _ = read_sealed_header(io.BytesIO(raw))
    return b"".join(open_pieces(io.BytesIO(raw), receiver_of(header, keys)))


def receiver_of(header: SealedHeader, keys: Iterable[Identity]) -> Identity:
    """Return those of one's own keys to which something is sealed; the newest ones if it is to none of them.

    Args:
        keys: the newest ones, then those that they have replaced.
    """
    sealed_to = {(one.person, one.key) for one in header.keys}
    newest: Identity | None = None
    for own in keys:
        newest = newest or own
        if (own.public.person, receiving_key_sha256(own.public)) in sealed_to:
            return own
    if newest is None:
        raise SealedFileError("there are no keys to open it with")
    return newest
