"""The form of a file that only chosen persons can open, no matter who carries it: a head, then sealed chunks.

It says who may read it, not who wrote it. Spec page: `schemas/spec/sealed-file.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, ClassVar, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.documents.errors import SealedError
from schemas.documents.ids import Name, UtcTime
from schemas.signing.identity import PublicIdentity
from schemas.signing.sealing import KEY_BYTES, SealedHeader

MAGIC: Final = b"blindlink/sealed-file/1\n"
CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
MAX_HEADER_LINE_BYTES: Final = 64 * 1024

_CHUNK_LABEL: Final = b"blindlink/v1/sealed-file/chunks\n"
_COUNTER_BYTES: Final = 11


class SealedFileHeader(SealedHeader):
    """From which party to which the file goes, and the persons who can open it."""

    KIND: ClassVar[str] = "header of a sealed file"
    LABEL: ClassVar[bytes] = b"blindlink/v1/sealed-file\n"

    version: Literal["blindlink/sealed-file/1"] = "blindlink/sealed-file/1"
    sender: Name
    recipient: Name
    created: UtcTime


@dataclass(frozen=True, slots=True)
class Address:
    """From which party to which a file goes, when, and who of them can open it."""

    sender: str
    recipient: str
    receivers: tuple[PublicIdentity, ...]
    created: str


def seal_pieces(content: Iterable[bytes], address: Address, key: bytes) -> Iterator[bytes]:
    """Yield the sealed file of the content, which comes in pieces of any sizes.

    Args:
        key: 32 random bytes that are used for nothing else.
    """
    header = SealedFileHeader.close(
        key,
        address.receivers,
        sender=address.sender,
        recipient=address.recipient,
        created=address.created,
    )
    head = MAGIC + header.to_canonical() + b"\n"
    yield head
    yield from _sealed_chunks(content, key, head)


def read_sealed_header(file: IO[bytes]) -> tuple[SealedFileHeader, bytes]:
    """Return the header at the file's beginning and the exact bytes of the head, leaving the file after it.

    Raises:
        SealedError, DocumentError: it is not a sealed file of this version.
    """
    magic = file.read(len(MAGIC))
    line = file.readline(MAX_HEADER_LINE_BYTES)
    if magic != MAGIC or not line.endswith(b"\n"):
        raise SealedError("it is not a sealed file of this program")
    return SealedFileHeader.from_canonical(line[:-1]), magic + line


def open_chunks(
    file: IO[bytes],
    header: SealedFileHeader,
    head: bytes,
    receiver: PublicIdentity,
    private: MLKEM768X25519PrivateKey,
) -> Iterator[bytes]:
    """Yield the content of a sealed file whose head has been read, each piece once it is authenticated.

    What was yielded counts only if the last piece comes too: a file that was cut off ends with an error.

    Raises:
        SealedError: it was sealed to others, or was changed or cut off.
    """
    cipher = _cipher(header.open(receiver, private), head)
    number, piece = 0, file.read(CHUNK_BYTES + TAG_BYTES)
    while True:
        following = file.read(CHUNK_BYTES + TAG_BYTES)
        yield _open_chunk(cipher, piece, number, is_last=not following)
        if not following:
            return
        number, piece = number + 1, following


def _open_chunk(cipher: AESGCM, piece: bytes, number: int, *, is_last: bool) -> bytes:
    try:
        opened = cipher.decrypt(_nonce(number, is_last=is_last), piece, None)
    except (InvalidTag, ValueError):
        raise SealedError("it was changed or cut off on its way") from None
    if not opened and number:
        raise SealedError("it was changed or cut off on its way")
    return opened


def _sealed_chunks(content: Iterable[bytes], key: bytes, head: bytes) -> Iterator[bytes]:
    cipher = _cipher(key, head)
    number, waiting = 0, bytearray()
    for piece in content:
        waiting += piece
        # One chunk stays behind, since the last one is sealed as such.
        while len(waiting) > CHUNK_BYTES:
            chunk = bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
            yield cipher.encrypt(_nonce(number, is_last=False), chunk, None)
            number += 1
    yield cipher.encrypt(_nonce(number, is_last=True), bytes(waiting), None)


def _cipher(key: bytes, head: bytes) -> AESGCM:
    # Salted by the head, so that none of its bytes can change: an unauthenticated header would be believed.
    salt = hashlib.sha256(head).digest()
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=salt, info=_CHUNK_LABEL).derive(key))


def _nonce(number: int, *, is_last: bool) -> bytes:
    # STREAM (Hoang, Reyhanitabar, Rogaway and Vizár 2015) as age uses it: a counter, and a mark on the last.
    return number.to_bytes(_COUNTER_BYTES, "big") + bytes([is_last])
