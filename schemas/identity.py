"""Who signs and who receives: the public keys of a party's persons, and their fingerprints.

Each person has an Ed25519 key to sign with and an HPKE key to receive with (MLKEM768-X25519, so that what
is sealed today stays closed to tomorrow's machines). The match log names a person by an opaque id; the
name stays with the party. Spec page: `schemas/spec/identity.md`.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Annotated, ClassVar, Final, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import Field, model_validator

from schemas.document import Document, Model
from schemas.ids import Name, RandomId, UtcTime

ED25519_BYTES: Final = 32
# ML-KEM-768 encapsulation key (FIPS 203: 1,184 bytes), then the X25519 public key (32 bytes).
HPKE_KEY_BYTES: Final = 1184 + 32
FINGERPRINT_GROUPS: Final = 12

# Duties within one party; separation is between persons, so one person may not hold a forbidden pair.
Duty = Literal["steward", "analyst", "approver", "reviewer", "recipient", "auditor", "operator"]

Base64Text = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=4096)]


class PublicIdentity(Document):
    """One person's public keys, base64 of the raw bytes, and the duties they have for their party."""

    KIND: ClassVar[str] = "public identity"

    version: Literal["blindlink/identity/1"] = "blindlink/identity/1"
    party: Name
    person: RandomId
    duties: Annotated[tuple[Duty, ...], Field(min_length=1, max_length=7)]
    signing_key: Base64Text
    receiving_key: Base64Text
    created: UtcTime

    @model_validator(mode="after")
    def _keys_have_their_length(self) -> Self:
        _raw_key(self.signing_key, ED25519_BYTES)
        _raw_key(self.receiving_key, HPKE_KEY_BYTES)
        if list(self.duties) != sorted(set(self.duties)):
            raise ValueError("duties must be listed once each, in alphabetical order")
        return self

    def verifier(self) -> Ed25519PublicKey:
        """Return the key that checks this person's signatures."""
        return Ed25519PublicKey.from_public_bytes(_raw_key(self.signing_key, ED25519_BYTES))

    def fingerprint(self) -> str:
        """Return 12 groups of 5 digits over both keys, to be compared by voice or on paper."""
        return fingerprint_digits(
            _raw_key(self.signing_key, ED25519_BYTES) + _raw_key(self.receiving_key, HPKE_KEY_BYTES)
        )

    def key_sha256(self) -> str:
        """Return the SHA-256 of the signing key's raw bytes, as signatures name it."""
        return hashlib.sha256(_raw_key(self.signing_key, ED25519_BYTES)).hexdigest()


class SignedIdentity(Document):
    """A public identity signed by its own key, so that nobody enrols a key they do not hold."""

    KIND: ClassVar[str] = "signed identity"

    identity: PublicIdentity
    signature: Annotated[str, Field(min_length=88, max_length=88)]


class KeyChange(Model):
    """The old key's statement that another follows it; signed with kind `key-rotation` by both."""

    person: RandomId
    old_key: Base64Text
    successor: PublicIdentity
    at: UtcTime


def fingerprint_digits(public_bytes: bytes) -> str:
    """Return 12 groups of 5 decimal digits of SHA-256(public_bytes) (199 bits).

    Each group is the next 5 bytes of the SHA-512 expansion modulo 100,000, as Signal's numeric
    fingerprints are formed, so that every group is close to uniform.
    """
    digest = hashlib.sha512(hashlib.sha256(public_bytes).digest()).digest()
    groups = [
        f"{int.from_bytes(digest[5 * i : 5 * i + 5], 'big') % 100_000:05d}"
        for i in range(FINGERPRINT_GROUPS)
    ]
    return " ".join(groups)


def _raw_key(text: str, length: int) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("a key is not base64") from None
    if len(raw) != length or base64.b64encode(raw).decode("ascii") != text:
        raise ValueError(f"a key is not {length} bytes of base64")
    return raw
