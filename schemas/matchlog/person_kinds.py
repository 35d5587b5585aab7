"""What match-log entries say of parties and persons: enrolled, their roles and keys, refused sign-ins."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from schemas.documents.document import Model
from schemas.documents.ids import Code, Name, PartyName, RandomId, Sha256Hex, UtcTime
from schemas.matchlog.registry import DOCUMENT_BYTES, Kind, Ordinal, register
from schemas.signing.identity import SignedKeyChange, SigningKeyText


class PartyEnrolled(Model):
    """A party may act from here on; `fingerprint` is its key's SHA-256, null where it has none yet."""

    party: PartyName
    role: Code
    fingerprint: Sha256Hex | None


class PersonEnrolled(Model):
    """A person of a party may act from here on, with these keys, which someone has compared with the person.

    The signing key stands whole, so that anyone who reads the log can verify what it signs; the receiving key
    is named by the SHA-256 of its raw bytes.
    """

    party: Name
    person: RandomId
    duties: Annotated[tuple[Code, ...], Field(max_length=64)]
    signing_key: SigningKeyText
    receiving_key: Sha256Hex


SIGN_ON: Final = "sign-on"


class SignInRefused(Model):
    """How many sign-ins were refused in the hour that begins at `hour`.

    `party` is whom they claimed to be of, null where it was nobody who is known.
    """

    party: Name | None
    hour: UtcTime
    count: Ordinal


class RoleChanged(Model):
    """A role was given to a person, or taken from one who was enrolled."""

    party: Name
    person: RandomId
    role: Code
    change: Literal["granted", "revoked"]


class KeyRotated(Model):
    """A key was replaced; `use` says what for. Digests only; null where there was or will be none.

    A person's keys are of use `signing` and `receiving`, the digests those of the raw bytes; a link with a
    single sign-on is of use `SIGN_ON`, its digests commitments. `signed` is the change of both keys that the
    person signed; it stands in the entry of the signing key, and is null in all others.
    """

    party: Name
    person: RandomId | None
    use: Code
    old: Sha256Hex | None
    new: Sha256Hex | None
    signed: SignedKeyChange | None


PERSON_KINDS: Final = register(
    {
        "party-enrolled": Kind(PartyEnrolled, in_project=False, by="operator"),
        "person-enrolled": Kind(PersonEnrolled, in_project=False, by="operator"),
        "sign-in-refused": Kind(
            SignInRefused, in_project=False, outcomes=frozenset({"refused"}), by="broker"
        ),
        "role-changed": Kind(RoleChanged, in_project=False, by="operator"),
        "key-rotated": Kind(KeyRotated, in_project=False, max_bytes=DOCUMENT_BYTES),
    }
)
