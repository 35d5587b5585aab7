"""How an identity's private keys are locked: by a passphrase, or by a key file for unattended runs.

Spec page: `schemas/spec/identity.md`.
"""

from __future__ import annotations

import os
import secrets
import unicodedata
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, Literal, NoReturn, Self, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field, model_validator

from encoding.errors import (
    IdentityExistsError,
    IdentityExposedError,
    IdentityFormatError,
    IdentityLockedError,
    IdentityMissingError,
)
from encoding.owner_only import OwnFile
from schemas.documents.document import Document
from schemas.signing.identity import base64_bytes, base64_text

KEY_FILE_FIRST_LINE: Final = "blindlink/identity-key/1"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
SALT_BYTES: Final = 16
SEALED_BYTES: Final = 128 + 16
# Shorter ones are found by trying, whatever Argon2id makes each try cost.
MIN_PASSPHRASE: Final = 12
MAX_PASSPHRASE: Final = 1024

# RFC 9106 §4: the second recommended option (64 MiB, 3 iterations), with one lane, since a lane is a thread.
ARGON2_ITERATIONS: Final = 3
ARGON2_LANES: Final = 1
ARGON2_MEMORY_KIB: Final = 64 * 1024

_LABEL: Final = b"blindlink/v1/identity-file\n"


@dataclass(frozen=True, slots=True, eq=False)
class Passphrase:
    """What a person types; never printed, logged or pickled."""

    _text: str = field(repr=False)
    kind: ClassVar[Literal["passphrase"]] = "passphrase"

    def __post_init__(self) -> None:
        if not MIN_PASSPHRASE <= len(self._text) <= MAX_PASSPHRASE:
            raise IdentityLockedError(
                f"a passphrase has {MIN_PASSPHRASE} to {MAX_PASSPHRASE} characters",
                hint="five or six words chosen at random are easy to remember and hard to guess",
            )

    def __reduce__(self) -> NoReturn:
        raise TypeError("a passphrase is not pickled")

    def key(self, salt: bytes) -> bytes:
        """Return the 32-byte key under this salt; takes 64 MiB and up to a second."""
        # The same letters are typed composed on one system and decomposed on another.
        typed = unicodedata.normalize("NFC", self._text).encode("utf-8", "surrogatepass")
        return Argon2id(
            salt=salt,
            length=KEY_BYTES,
            iterations=ARGON2_ITERATIONS,
            lanes=ARGON2_LANES,
            memory_cost=ARGON2_MEMORY_KIB,
        ).derive(typed)


@dataclass(frozen=True, slots=True, eq=False)
class KeyFile:
    """The 32 random bytes of a key file; never printed, logged or pickled."""

    _value: bytes = field(repr=False)
    kind: ClassVar[Literal["key-file"]] = "key-file"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key file is not pickled")

    def key(self, salt: bytes) -> bytes:
        """Return the 32-byte key under this salt."""
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=_LABEL).derive(
            self._value
        )


Unlocking: TypeAlias = Passphrase | KeyFile


class Lock(Document):
    """The third line of an identity file: the private keys under AES-256-GCM."""

    KIND: ClassVar[str] = "identity lock"

    kind: Literal["passphrase", "key-file"]
    salt: Annotated[str, Field(max_length=24)]
    nonce: Annotated[str, Field(max_length=16)]
    sealed: Annotated[str, Field(max_length=192)]

    @model_validator(mode="after")
    def _parts_have_their_length(self) -> Self:
        base64_bytes(self.salt, SALT_BYTES)
        base64_bytes(self.nonce, NONCE_BYTES)
        base64_bytes(self.sealed, SEALED_BYTES)
        return self

    @classmethod
    def close(cls, unlocking: Unlocking, private: bytes, identity_digest: str) -> Lock:
        """Lock 128 bytes of private keys, bound to the public identity by its digest (hex)."""
        salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(unlocking.key(salt)).encrypt(nonce, private, _bound_to(identity_digest))
        return cls(
            kind=unlocking.kind,
            salt=base64_text(salt),
            nonce=base64_text(nonce),
            sealed=base64_text(sealed),
        )

    def open(self, unlocking: Unlocking, identity_digest: str) -> bytes:
        """Return the 128 bytes of private keys.

        Raises:
            IdentityLockedError: it was locked in another way, with another passphrase or key file, or for
                another public identity; the last three cannot be told apart.
        """
        if unlocking.kind != self.kind:
            needed = "passphrase" if self.kind == "passphrase" else "key file"
            raise IdentityLockedError(f"this identity is locked by a {needed}")
        key = unlocking.key(base64_bytes(self.salt, SALT_BYTES))
        nonce = base64_bytes(self.nonce, NONCE_BYTES)
        sealed = base64_bytes(self.sealed, SEALED_BYTES)
        try:
            return AESGCM(key).decrypt(nonce, sealed, _bound_to(identity_digest))
        except InvalidTag:
            what = "passphrase" if self.kind == "passphrase" else "key file"
            raise IdentityLockedError(
                f"the {what} does not open this identity, or its file was changed"
            ) from None


def own_file(what: str) -> OwnFile:
    """Return what a file of someone's keys, or with what they are locked, is read and written by."""
    return OwnFile(what, IdentityMissingError, IdentityExposedError, IdentityExistsError)


def read_passphrase(path: str | os.PathLike[str]) -> Passphrase:
    """Read a passphrase from a file of one line that only its owner may read.

    Raises:
        IdentityMissingError, IdentityExposedError: the file is not there, or others may read it.
        IdentityFormatError, IdentityLockedError: it has more than one line, or too short a one.
    """
    lines = _private_lines(path, "passphrase file")
    if len(lines) != 1:
        raise IdentityFormatError(f"the passphrase file {path} does not hold one line")
    return Passphrase(lines[0])


def new_key_file(path: str | os.PathLike[str]) -> KeyFile:
    """Write a new random key file that only its owner may read.

    Raises:
        IdentityExistsError: there is a file of that name; it is left as it is.
        IdentityMissingError: the folder cannot be written.
    """
    value = secrets.token_bytes(KEY_BYTES)
    text = f"{KEY_FILE_FIRST_LINE}\n{base64_text(value)}\n"
    own_file("key file").create(path, text.encode("ascii"))
    return KeyFile(value)


def read_key_file(path: str | os.PathLike[str]) -> KeyFile:
    """Read a key file.

    Raises:
        IdentityMissingError, IdentityExposedError: the file is not there, or others may read it.
        IdentityFormatError: it is not a key file.
    """
    lines = _private_lines(path, "key file")
    if len(lines) != 2 or lines[0] != KEY_FILE_FIRST_LINE:
        raise IdentityFormatError(f"{path} is not a key file made by this program")
    try:
        return KeyFile(base64_bytes(lines[1], KEY_BYTES))
    except ValueError:
        raise IdentityFormatError(f"the key file {path} is damaged") from None


def _private_lines(path: str | os.PathLike[str], what: str) -> list[str]:
    try:
        text = own_file(what).read(path, 4 * MAX_PASSPHRASE).decode("utf-8")
    except UnicodeDecodeError:
        raise IdentityFormatError(f"the {what} {path} is not UTF-8") from None
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def _bound_to(identity_digest: str) -> bytes:
    return _LABEL + bytes.fromhex(identity_digest)
