"""A key of 32 bytes, sealed to persons: only their receiving keys open it.

One HPKE suite for everything: MLKEM768-X25519, HKDF-SHA256, AES-256-GCM. What is encrypted under the key, and
what the sealing is bound to, the format says that uses it. Spec pages: `schemas/spec/blind-release.md`,
`schemas/spec/sealed-file.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from pydantic import AfterValidator, Field

from schemas.documents.canonical import canonical_bytes
from schemas.documents.document import Document, Model
from schemas.documents.errors import SealedError
from schemas.documents.ids import Sha256Hex
from schemas.signing.identity import (
    HPKE_KEY_BYTES,
    PersonIdText,
    PublicIdentity,
    base64_bytes,
    base64_text,
)

SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
KEY_BYTES: Final = 32
# The encapsulation of MLKEM768-X25519, then the key and AES-GCM's tag.
SEALED_BYTES: Final = 1120 + KEY_BYTES + 16
MAX_RECEIVERS: Final = 16


def _sealed(text: str) -> str:
    base64_bytes(text, SEALED_BYTES)
    return text


class SealedKey(Model):
    """The key as one person can open it; `key` is the SHA-256 of that person's raw receiving key."""

    person: PersonIdText
    key: Sha256Hex
    sealed: Annotated[str, Field(max_length=1560), AfterValidator(_sealed)]


def _in_order(keys: tuple[SealedKey, ...]) -> tuple[SealedKey, ...]:
    persons = [key.person for key in keys]
    if persons != sorted(set(persons)):
        raise ValueError("sealed keys must be listed once a person, in the order of their ids")
    return keys


class SealedHeader(Document):
    """The head of what is encrypted under a key: the rest of it, and the key as each receiver can open it.

    The sealing is bound to `LABEL` and all other fields, so that a head which was changed does not open.
    """

    KIND: ClassVar[str] = "sealed header"
    LABEL: ClassVar[bytes]

    keys: Annotated[
        tuple[SealedKey, ...],
        Field(min_length=1, max_length=MAX_RECEIVERS),
        AfterValidator(_in_order),
    ]

    @classmethod
    def close(cls, key: bytes, receivers: Iterable[PublicIdentity], **fields: Any) -> Self:
        """Return the head with these fields, whose key of 32 bytes each of the receivers can open.

        HPKE draws a key pair for each sealing, so that no two are alike.
        """
        info = cls.model_construct(keys=(), **fields).info()
        keys = [_seal(key, receiver, info) for receiver in receivers]
        return cls(keys=tuple(sorted(keys, key=lambda sealed: sealed.person)), **fields)

    def info(self) -> bytes:
        """Return what HPKE binds the sealed keys to."""
        bound = {name: value for name, value in self.to_json().items() if name != "keys"}
        return self.LABEL + canonical_bytes(bound)

    def open(self, receiver: PublicIdentity, private: MLKEM768X25519PrivateKey) -> bytes:
        """Return the key, which was sealed to this person among others.

        Raises:
            SealedError: it was not sealed to these keys, or the head was changed.
        """
        own = (receiver.person, receiving_key_sha256(receiver))
        found = next((one for one in self.keys if (one.person, one.key) == own), None)
        if found is None:
            raise SealedError("it was not sealed to these keys")
        try:
            key = SUITE.decrypt(base64_bytes(found.sealed, SEALED_BYTES), private, self.info())
        except (InvalidTag, ValueError):
            raise SealedError("it was changed since it was sealed") from None
        return key


def receiving_key_sha256(identity: PublicIdentity) -> str:
    """Return the SHA-256 of a person's raw receiving key, as sealed keys name it."""
    return hashlib.sha256(base64_bytes(identity.receiving_key, HPKE_KEY_BYTES)).hexdigest()


def _seal(key: bytes, receiver: PublicIdentity, info: bytes) -> SealedKey:
    return SealedKey(
        person=receiver.person,
        key=receiving_key_sha256(receiver),
        sealed=base64_text(SUITE.encrypt(key, receiver.receiver(), info)),
    )
