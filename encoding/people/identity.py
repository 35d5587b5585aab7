"""A person's own keys: made here, kept in one file under a passphrase or a key file, never shown.

Spec page: `schemas/spec/identity.md`.
"""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from encoding.errors import (
    IdentityFormatError,
)
from encoding.people.identity_lock import Lock, Unlocking, own_file
from schemas.documents.errors import FormatError
from schemas.documents.ids import PERSON_PREFIX, utc_text
from schemas.signing.identity import (
    Duty,
    KeyChange,
    PublicIdentity,
    SignedIdentity,
    SignedKeyChange,
    base64_text,
    sign_key_change,
)

FIRST_LINE: Final = "blindlink/identity-file/1"
MAX_FILE_BYTES: Final = 16_384
_SEED_BYTES: Final = 32
_MLKEM_SEED_BYTES: Final = 64
PRIVATE_BYTES: Final = _SEED_BYTES + _MLKEM_SEED_BYTES + _SEED_BYTES


@dataclass(frozen=True, slots=True, eq=False)
class PrivateKeys:
    """The three private keys behind one public identity; never printed, logged or pickled."""

    _signing: Ed25519PrivateKey = field(repr=False)
    _mlkem: MLKEM768PrivateKey = field(repr=False)
    _x25519: X25519PrivateKey = field(repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("private keys are not pickled")

    @classmethod
    def draw(cls) -> PrivateKeys:
        """Return new random keys."""
        return cls.from_bytes(secrets.token_bytes(PRIVATE_BYTES))

    @classmethod
    def from_bytes(cls, raw: bytes) -> PrivateKeys:
        """Return the keys that 128 bytes stand for: Ed25519 seed, ML-KEM-768 seed, X25519 key."""
        rest = raw[_SEED_BYTES:]
        return cls(
            Ed25519PrivateKey.from_private_bytes(raw[:_SEED_BYTES]),
            MLKEM768PrivateKey.from_seed_bytes(rest[:_MLKEM_SEED_BYTES]),
            X25519PrivateKey.from_private_bytes(rest[_MLKEM_SEED_BYTES:]),
        )

    def to_bytes(self) -> bytes:
        """Return the 128 bytes, to be locked and for nothing else."""
        return b"".join(
            key.private_bytes_raw() for key in (self._signing, self._mlkem, self._x25519)
        )

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """The key that signs."""
        return self._signing

    @property
    def receiving_key(self) -> MLKEM768X25519PrivateKey:
        """The key that opens what HPKE sealed to this person."""
        return MLKEM768X25519PrivateKey(self._mlkem, self._x25519)

    def public_texts(self) -> tuple[str, str]:
        """Return the public signing key and receiving key as an identity writes them."""
        signing = self._signing.public_key().public_bytes_raw()
        receiving = (
            self._mlkem.public_key().public_bytes_raw()
            + self._x25519.public_key().public_bytes_raw()
        )
        return base64_text(signing), base64_text(receiving)


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """A person's public identity together with its unlocked private keys."""

    signed: SignedIdentity
    keys: PrivateKeys = field(repr=False)

    @property
    def public(self) -> PublicIdentity:
        """The part that everybody may see."""
        return self.signed.identity


@dataclass(frozen=True, slots=True)
class LockedIdentity:
    """An identity file as it lies on disk: the public part, checked, and the locked keys."""

    signed: SignedIdentity
    lock: Lock

    @property
    def public(self) -> PublicIdentity:
        """The part that everybody may see."""
        return self.signed.identity

    def unlock(self, unlocking: Unlocking) -> Identity:
        """Return the identity with its private keys.

        Raises:
            IdentityLockedError: the passphrase or key file is not the one that locked it.
            IdentityFormatError: the private keys are not those of the public identity.
        """
        keys = PrivateKeys.from_bytes(self.lock.open(unlocking, self.public.digest()))
        expected = self.public.signing_key + self.public.receiving_key
        if not hmac.compare_digest("".join(keys.public_texts()), expected):
            raise IdentityFormatError("the private keys are not those of the public identity")
        return Identity(self.signed, keys)


def new_identity(
    party: str, duties: tuple[Duty, ...], now: datetime, *, person: str | None = None
) -> Identity:
    """Return a new person of a party, with new keys.

    Args:
        person: the person's id where it is known already, as when keys are replaced; None draws a new one.
        now: aware; written in UTC to the second.
    Raises:
        DocumentError: the party's name or a duty breaks its format.
    """
    keys = PrivateKeys.draw()
    signing, receiving = keys.public_texts()
    public = PublicIdentity.from_json(
        {
            "party": party,
            "person": person or f"{PERSON_PREFIX}-{secrets.token_hex(16)}",
            "duties": sorted(set(duties)),
            "signing_key": signing,
            "receiving_key": receiving,
            "created": utc_text(now),
        }
    )
    return Identity(SignedIdentity.of(public, keys.signing_key), keys)


def replace_keys(old: Identity, now: datetime) -> tuple[Identity, SignedKeyChange]:
    """Return the same person with new keys, and the change that both keys have signed."""
    new = new_identity(old.public.party, old.public.duties, now, person=old.public.person)
    return new, change_of_keys(old, new, now)


def change_of_keys(old: Identity, new: Identity, now: datetime) -> SignedKeyChange:
    """Return the change of a person's keys to these new ones, signed by both."""
    change = KeyChange(
        person=old.public.person,
        old_key=old.public.signing_key,
        successor=new.public,
        at=utc_text(now),
    )
    return sign_key_change(change, old.keys.signing_key, new.keys.signing_key)


def write_identity(path: str | os.PathLike[str], identity: Identity, unlocking: Unlocking) -> None:
    """Write an identity file that only its owner may read, locked by a passphrase or a key file.

    Raises:
        IdentityExistsError: there is a file of that name; it is left as it is.
        IdentityMissingError: the folder cannot be written.
    """
    lock = Lock.close(unlocking, identity.keys.to_bytes(), identity.public.digest())
    lines = (FIRST_LINE.encode("ascii"), identity.signed.to_canonical(), lock.to_canonical())
    hint = "what is sealed to its keys would be lost"
    own_file("identity file").create(path, b"\n".join(lines) + b"\n", hint=hint)


def read_identity(path: str | os.PathLike[str]) -> LockedIdentity:
    """Read an identity file and check its public part; nothing is unlocked.

    Raises:
        IdentityMissingError, IdentityExposedError: the file is not there, or others may read it.
        IdentityFormatError: it is not an identity file, or damaged.
    """
    hint = "make one with: blindlink people new PARTY --duty DUTY"
    content = own_file("identity file").read(path, MAX_FILE_BYTES, hint=hint)
    try:
        return parse_identity(content)
    except IdentityFormatError as exc:
        raise IdentityFormatError(f"the file {path} cannot be used: {exc}") from None


def parse_identity(content: bytes) -> LockedIdentity:
    """Read the bytes of an identity file."""
    lines = content.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    if len(content) > MAX_FILE_BYTES or lines[0] != FIRST_LINE.encode("ascii"):
        raise IdentityFormatError("it is not an identity file of this program")
    if len(lines) != 3:
        raise IdentityFormatError("it does not have three lines")
    try:
        signed = SignedIdentity.from_canonical(lines[1])
        signed.verify()
        return LockedIdentity(signed, Lock.from_canonical(lines[2]))
    except FormatError as exc:
        raise IdentityFormatError(str(exc)) from None
