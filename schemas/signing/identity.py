"""Who signs and who receives: the public keys of a party's persons, and their fingerprints.

Each person has an Ed25519 key to sign with and an HPKE key to receive with (MLKEM768-X25519, so that what
is sealed today stays closed to tomorrow's machines). The match log names a person by an opaque id; the
name stays with the party. Spec page: `schemas/spec/identity.md`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey
from pydantic import AfterValidator, Field, model_validator

from schemas.documents.document import Document
from schemas.documents.errors import SignatureError
from schemas.documents.ids import PERSON_PREFIX, PartyName, UtcTime
from schemas.signing.signatures import SignatureText, Signed, sign_document, verify_document

ED25519_BYTES: Final = 32
MLKEM_KEY_BYTES: Final = 1184
# FIPS 203 encapsulation key, then the X25519 public key, as X-Wing writes them one after the other.
HPKE_KEY_BYTES: Final = MLKEM_KEY_BYTES + 32
FINGERPRINT_GROUPS: Final = 12
# Beyond that a person enrols anew, so that a history stays short enough to be sent with every list.
MAX_KEY_CHANGES: Final = 16

# Duties within one party; separation is between persons, so a rule names duties, never parties.
Duty = Literal["steward", "analyst", "approver", "reviewer", "recipient", "auditor", "operator"]
# In which someone acts; all who take part in the linkage do so in one.
Role = Literal["agency", "auditor", "operator"]

# Anyone who watches, or runs the broker, may also sign for their party, and do nothing else in it.
_APART: Final = frozenset({"auditor", "operator"})
_BESIDE: Final = frozenset({"steward"})
_ROLES: Final[dict[str, Role]] = {"auditor": "auditor", "operator": "operator"}

_FIELD: Final = 2**255 - 19
# y of the points of order 1, 2, 4 and 8. Under such a key anybody's signature may verify.
_SMALL_ORDER_Y: Final = frozenset(
    {
        0,
        1,
        _FIELD - 1,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    }
)


def _signing_key(text: str) -> str:
    raw = base64_bytes(text, ED25519_BYTES)
    if not is_sound_ed25519(raw):
        raise ValueError("a signing key is not a point that signatures can be trusted under")
    return text


def _receiving_key(text: str) -> str:
    raw = base64_bytes(text, HPKE_KEY_BYTES)
    try:
        MLKEM768PublicKey.from_public_bytes(raw[:MLKEM_KEY_BYTES])
    except ValueError:
        raise ValueError("a receiving key is not one of ML-KEM-768 and X25519") from None
    return text


SigningKeyText = Annotated[str, Field(max_length=44), AfterValidator(_signing_key)]
ReceivingKeyText = Annotated[str, Field(max_length=1624), AfterValidator(_receiving_key)]
PersonIdText = Annotated[str, Field(pattern=rf"^{PERSON_PREFIX}-[0-9a-f]{{32}}$")]


def duty_apart(duties: Iterable[Duty]) -> Duty | None:
    """Return a duty that one person cannot have together with the others; None if all go together."""
    held = set(duties)
    return next((duty for duty in sorted(held & _APART) if held - {duty} - _BESIDE), None)


def role_of(duties: Iterable[str]) -> Role:
    """Return the role in which a person with these duties acts; those of two roles do not go together."""
    return next((_ROLES[duty] for duty in duties if duty in _ROLES), "agency")


class PublicIdentity(Document):
    """One person's public keys, base64 of the raw bytes, and the duties they have for their party."""

    KIND: ClassVar[str] = "public identity"

    version: Literal["blindlink/identity/1"] = "blindlink/identity/1"
    party: PartyName
    person: PersonIdText
    duties: Annotated[tuple[Duty, ...], Field(min_length=1, max_length=7)]
    signing_key: SigningKeyText
    receiving_key: ReceivingKeyText
    created: UtcTime

    @model_validator(mode="after")
    def _duties_are_in_order(self) -> Self:
        if list(self.duties) != sorted(set(self.duties)):
            raise ValueError("duties must be listed once each, in alphabetical order")
        return self

    def verifier(self) -> Ed25519PublicKey:
        """Return the key that checks this person's signatures."""
        return Ed25519PublicKey.from_public_bytes(base64_bytes(self.signing_key, ED25519_BYTES))

    def receiver(self) -> MLKEM768X25519PublicKey:
        """Return the key that seals to this person, for HPKE's MLKEM768-X25519."""
        raw = base64_bytes(self.receiving_key, HPKE_KEY_BYTES)
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(raw[:MLKEM_KEY_BYTES]),
            X25519PublicKey.from_public_bytes(raw[MLKEM_KEY_BYTES:]),
        )

    def fingerprint(self) -> str:
        """Return 12 groups of 5 digits over both keys, to be compared by voice or on paper."""
        return fingerprint_digits(
            base64_bytes(self.signing_key, ED25519_BYTES)
            + base64_bytes(self.receiving_key, HPKE_KEY_BYTES)
        )

    def key_digests(self) -> tuple[str, str]:
        """Return the SHA-256 of the raw signing and receiving keys, as the match log names them."""
        receiving = base64_bytes(self.receiving_key, HPKE_KEY_BYTES)
        return self.key_sha256(), hashlib.sha256(receiving).hexdigest()

    def key_sha256(self) -> str:
        """Return the SHA-256 of the signing key's raw bytes, as signatures name it."""
        return signing_key_sha256(self.signing_key)


class SignedInName(Signed):
    """An envelope of what a person says in their own name: its document has the person and their party."""

    KIND: ClassVar[str] = "document signed in a name"

    def verify(self, person: PublicIdentity) -> None:
        """Check that this person, in whose name it is, has signed the document.

        Raises:
            SignatureError: it is in another's name, or the signature does not cover it.
        """
        body: Any = getattr(self, self.BODY)
        party = body.sender if hasattr(body, "sender") else body.party
        if (party, body.person) != (person.party, person.person):
            raise SignatureError(f"the {body.KIND} is in another person's name")
        self.require_signature(person.verifier())


class SignedIdentity(Signed):
    """A public identity signed by its own key, so that nobody enrols a key they do not hold."""

    KIND: ClassVar[str] = "signed identity"
    BODY: ClassVar[str] = "identity"
    SIGNED_AS: ClassVar[str] = "enrolment"

    identity: PublicIdentity

    def verify(self) -> PublicIdentity:
        """Return the identity, whose own key signed it.

        Raises:
            SignatureError: the signature is not over this identity.
        """
        self.require_signature(self.identity.verifier())
        return self.identity


class KeyChange(Document):
    """The statement that a person's keys are replaced; signed with kind `key-rotation` by both keys."""

    KIND: ClassVar[str] = "key change"

    person: PersonIdText
    old_key: SigningKeyText
    successor: PublicIdentity
    at: UtcTime

    @model_validator(mode="after")
    def _keys_change_and_the_person_does_not(self) -> Self:
        if self.successor.person != self.person:
            raise ValueError("the successor is another person's identity")
        if self.successor.signing_key == self.old_key:
            raise ValueError("the signing key is the same as before")
        return self


class SignedKeyChange(Document):
    """A change of keys with both signatures: the old key lets go, the new one shows that it is held."""

    KIND: ClassVar[str] = "signed key change"

    change: KeyChange
    old_signature: SignatureText
    new_signature: SignatureText

    def verify(self, current: PublicIdentity) -> PublicIdentity:
        """Return the identity that follows `current`, the person's identity until now.

        Raises:
            SignatureError: a signature is not over this change, or the change is not of this identity, to
                the same party, person and duties with two new keys.
        """
        if not _follows(self.change, current):
            raise SignatureError("the change of keys is not one of this identity")
        self.require_signatures()
        return self.change.successor

    def require_signatures(self) -> None:
        """Check both signatures; whose key the old one was is for the caller to know.

        Raises:
            SignatureError: one is not over this change.
        """
        change, body = self.change, self.change.to_json()
        old = Ed25519PublicKey.from_public_bytes(base64_bytes(change.old_key, ED25519_BYTES))
        verify_document("key-rotation", body, self.old_signature, old)
        verify_document("key-rotation", body, self.new_signature, change.successor.verifier())


class IdentityHistory(Document):
    """A person's keys from enrolment until now; anyone who trusted any of them can follow to the newest."""

    KIND: ClassVar[str] = "identity history"

    enrolled: SignedIdentity
    changes: Annotated[tuple[SignedKeyChange, ...], Field(max_length=MAX_KEY_CHANGES)] = ()

    def verify(self) -> tuple[PublicIdentity, ...]:
        """Return the identities in order, the newest last; each is signed for by the one before it.

        Raises:
            SignatureError: one is not signed by its own key, or does not follow from the one before.
        """
        identities = [self.enrolled.verify()]
        for change in self.changes:
            identities.append(change.verify(identities[-1]))
        return tuple(identities)

    def newest(self) -> PublicIdentity:
        """Return the person's identity now, unverified."""
        return self.changes[-1].change.successor if self.changes else self.enrolled.identity


def sign_key_change(
    change: KeyChange, old: Ed25519PrivateKey, new: Ed25519PrivateKey
) -> SignedKeyChange:
    """Return a change of keys with the signatures of both."""
    body = change.to_json()
    return SignedKeyChange(
        change=change,
        old_signature=sign_document("key-rotation", body, old),
        new_signature=sign_document("key-rotation", body, new),
    )


def signing_key_sha256(key: SigningKeyText) -> str:
    """Return the SHA-256 of a signing key's raw bytes, as signatures and the match log name it."""
    return hashlib.sha256(base64_bytes(key, ED25519_BYTES)).hexdigest()


def is_sound_ed25519(raw: bytes) -> bool:
    """Tell whether 32 bytes are a canonical Ed25519 public key that is not of small order."""
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    return len(raw) == ED25519_BYTES and y < _FIELD and y not in _SMALL_ORDER_Y


def fingerprint_digits(public_bytes: bytes) -> str:
    """Return 12 groups of 5 decimal digits that stand for the public bytes (199 bits).

    Each group is the next 5 bytes of SHA-512(SHA-256(public_bytes)), big-endian, modulo 100,000, as Signal's
    numeric fingerprints are formed, so that every group is close to uniform.
    """
    digest = hashlib.sha512(hashlib.sha256(public_bytes).digest()).digest()
    groups = [
        f"{int.from_bytes(digest[5 * i : 5 * i + 5], 'big') % 100_000:05d}"
        for i in range(FINGERPRINT_GROUPS)
    ]
    return " ".join(groups)


def base64_text(raw: bytes) -> str:
    """Return standard base64 with padding."""
    return base64.b64encode(raw).decode("ascii")


def base64_bytes(text: str, length: int) -> bytes:
    """Return the bytes that standard base64 stands for, in its one spelling.

    Raises:
        ValueError: another spelling, or another number of bytes.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("not base64") from None
    if len(raw) != length or base64_text(raw) != text:
        raise ValueError(f"not {length} bytes of base64")
    return raw


def _follows(change: KeyChange, current: PublicIdentity) -> bool:
    successor = change.successor
    return (
        (change.person, change.old_key) == (current.person, current.signing_key)
        and (successor.party, successor.duties) == (current.party, current.duties)
        and successor.receiving_key != current.receiving_key
    )
