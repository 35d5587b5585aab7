"""Key-encryption keys: what wraps the data keys of the key store, and who keeps them.

A wrapped key has the same length no matter who keeps the key that wrapped it, so that it is wrapped anew in
place.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import KeyKeeperUnavailableError, SealBrokenError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
GUIDE: Final = "docs/operator.md#keys-in-a-security-module-or-in-vault"
WRAPPED_BYTES: Final = NONCE_BYTES + KEY_BYTES + TAG_BYTES


class KeyEncryptionKey(Protocol):
    """One key that wraps: `name` is 16 hex characters that give nothing away, `place` says where it is kept."""

    @property
    def name(self) -> str:
        """By this it is found in the ring and in what it wrapped."""

    @property
    def place(self) -> str:
        """For people, such as `in the token blindlink`."""

    def wrap(self, secret: bytes, head: bytes) -> bytes:
        """Return a data key of 32 bytes wrapped in 60, which open together with this head alone."""

    def unwrap(self, wrapped: bytes, head: bytes) -> bytes:
        """Return the data key."""


class KeyKeeper(Protocol):
    """Who keeps key-encryption keys and makes new ones; safe to call from any thread."""

    def draw(self, written: Sequence[str]) -> str:
        """Make a new key and return how a ring writes it; `written` is what the ring has of this keeper."""

    def key(self, written: str) -> KeyEncryptionKey:
        """Return the key that a ring writes so, without asking for it.

        Raises:
            ValueError: no key is written so.
        """

    def close(self) -> None:
        """Close connections, after the last call."""


@dataclass(frozen=True, slots=True)
class FileKey:
    """A key that stands in the ring's own file."""

    name: str
    secret: bytes = field(repr=False)
    place: str = "in the ring's file"

    def wrap(self, secret: bytes, head: bytes) -> bytes:
        """Wrap here."""
        return seal(self.secret, os.urandom(NONCE_BYTES), secret, head)

    def unwrap(self, wrapped: bytes, head: bytes) -> bytes:
        """Unwrap here."""
        return unseal(self.secret, wrapped, head)


class FileKeeper:
    """The ring's own file: a line is the key itself, in base64."""

    def draw(self, written: Sequence[str]) -> str:
        """Draw a key of the operating system's generator."""
        del written
        return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")

    def key(self, written: str) -> FileKey:
        """Return the key of a line."""
        secret = base64.b64decode(written, validate=True)
        if len(secret) != KEY_BYTES:
            raise binascii.Error
        return FileKey(key_name(secret), secret)

    def close(self) -> None:
        """There is nothing to close."""


def key_name(identity: bytes) -> str:
    """Return the name of a key that is identified by these bytes, which do not follow from it."""
    return hashlib.sha256(b"blindlink/kek-name\n" + identity).hexdigest()[:16]


def seal(key: bytes, nonce: bytes, secret: bytes, head: bytes) -> bytes:
    """Return the nonce and a data key under AES-256-GCM, with `head` authenticated."""
    return nonce + AESGCM(key).encrypt(nonce, secret, head)


def unseal(key: bytes, wrapped: bytes, head: bytes) -> bytes:
    """Return what `seal` took."""
    try:
        return AESGCM(key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], head)
    except (InvalidTag, ValueError) as exc:
        raise SealBrokenError("A wrapped key is damaged.") from exc


def keeper_fails(said: str) -> KeyKeeperUnavailableError:
    """Return the error of a keeper of keys, with what an operator reads of it."""
    return KeyKeeperUnavailableError(said, hint=f"nothing is lost; {GUIDE} says more")


def try_out(key: KeyEncryptionKey, *, new: bool = False) -> None:
    """Wrap and unwrap a probe; where the key is `new`, look that another head does not open it.

    Raises:
        KeyKeeperUnavailableError: its keeper does not answer, refuses, or does not do what it is asked.
    """
    secret, head = secrets.token_bytes(KEY_BYTES), f"blindlink/probe\n{key.name}\n".encode()
    wrapped = key.wrap(secret, head)
    if len(wrapped) != WRAPPED_BYTES or key.unwrap(wrapped, head) != secret:
        raise keeper_fails("What keeps the keys does not give back what it has taken")
    if not new:
        return
    try:
        key.unwrap(wrapped, head + b"another")
    except SealBrokenError:
        return
    raise keeper_fails("What keeps the keys does not bind a wrapped key to its object")
