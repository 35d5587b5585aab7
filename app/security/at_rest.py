"""Encryption at rest: AES-256-GCM under an object's own key, bound to each piece's kind and place."""

from __future__ import annotations

import os
import tempfile
from array import array
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.durable import storing
from app.errors import SealBrokenError
from app.security.keystore import DataKey
from schemas.documents.canonical import canonical_bytes
from schemas.signing.sealing import KEY_BYTES

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
# What sealing adds to a plaintext.
SEAL_BYTES: Final = NONCE_BYTES + TAG_BYTES
FORMAT: Final = "blindlink/at-rest/1"


_KIND: Final = "scratch"


def seal(key: DataKey, kind: str, object_id: str, number: int, plaintext: bytes) -> bytes:
    """Return nonce, ciphertext and tag of one piece of an object.

    Args:
        kind: what the piece is, such as `upload-part`; the same at `unseal`.
        number: its place within the object.
    """
    # Random for each attempt: a counter would repeat when a part is sent again after a lost answer.
    # SP 800-38D allows 2^32 random nonces a key; an object has far fewer pieces.
    nonce = os.urandom(NONCE_BYTES)
    bound = _bound(kind, object_id, number, len(plaintext))
    return nonce + AESGCM(key.secret).encrypt(nonce, plaintext, bound)


def unseal(key: DataKey, kind: str, object_id: str, number: int, sealed: bytes) -> bytes:
    """Return the plaintext that `seal` was given.

    Raises:
        SealBrokenError: the bytes are damaged, or were sealed as another kind, object, place or length.
    """
    if len(sealed) < SEAL_BYTES:
        raise SealBrokenError("Stored data is damaged.")
    bound = _bound(kind, object_id, number, len(sealed) - SEAL_BYTES)
    try:
        return AESGCM(key.secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except InvalidTag as exc:
        raise SealBrokenError("Stored data is damaged.") from exc


def _bound(kind: str, object_id: str, number: int, length: int) -> bytes:
    return canonical_bytes(
        {"version": FORMAT, "kind": kind, "object": object_id, "number": number, "length": length}
    )


class Scratch:
    """Bytes that wait on disk under a key which is in this process's memory alone.

    The file has no name, so that nothing is left of it when the process ends, however it does.
    """

    def __init__(self, folder: Path) -> None:
        """Make the file on the disk of a folder."""
        self._key = DataKey(_KIND, os.urandom(KEY_BYTES))
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed with the block
        # Where each begins, and the end; there may be millions.
        self._starts = array("Q", [0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, content: bytes) -> int:
        """Keep the bytes, and return the place where they are found."""
        place = len(self._starts) - 1
        sealed = memoryview(seal(self._key, _KIND, _KIND, place, content))
        with storing():
            self._file.seek(self._starts[place])
            written = 0
            while written < len(sealed):
                written += self._file.write(sealed[written:])
        self._starts.append(self._starts[place] + len(sealed))
        return place

    def get(self, place: int) -> bytes:
        """Return what was put there."""
        start, end = self._starts[place : place + 2]
        self._file.seek(start)
        return unseal(self._key, _KIND, _KIND, place, self._file.read(end - start))
