"""Encryption at rest: AES-256-GCM under an object's own key, bound to each piece's kind and place."""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import SealBrokenError
from app.security.keystore import DataKey
from schemas.documents.canonical import canonical_bytes

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
# What sealing adds to a plaintext.
SEAL_BYTES: Final = NONCE_BYTES + TAG_BYTES
FORMAT: Final = "blindlink/at-rest/1"


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
        {
            "version": FORMAT,
            "kind": kind,
            "object": object_id,
            "number": number,
            "length": length,
        }
    )
