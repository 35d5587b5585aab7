"""How the holders of a project's secret hand each other their contributions, and confirm that they agree.

The secret is made of one contribution a holder, sealed to each other holder and signed, so that anyone who
carries the shares learns nothing of it. Spec page: `schemas/spec/secret-share.md`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schemas.documents.canonical import JsonValue, canonical_bytes
from schemas.documents.document import Document, Model
from schemas.documents.errors import SignatureError
from schemas.documents.ids import Code, KeyIdHex, Name, RandomId, Sha256Hex, UtcTime
from schemas.signing.identity import PersonIdText, PublicIdentity, base64_bytes
from schemas.signing.signatures import Signed

CONTRIBUTION_BYTES: Final = 32
# HPKE with MLKEM768-X25519: encapsulation of 1,120 bytes, then the contribution and AES-GCM's tag.
SEALED_BYTES: Final = 1120 + CONTRIBUTION_BYTES + 16
TAG_BYTES: Final = 32
MAX_HOLDERS: Final = 64

_FINGERPRINT: Final = r"^[0-9]{5}( [0-9]{5}){11}$"


def _sealed(text: str) -> str:
    base64_bytes(text, SEALED_BYTES)
    return text


def _tag(text: str) -> str:
    base64_bytes(text, TAG_BYTES)
    return text


Epoch = Annotated[int, Field(ge=1, le=10**6)]
FingerprintText = Annotated[str, Field(pattern=_FINGERPRINT)]
SealedText = Annotated[str, Field(max_length=1560), AfterValidator(_sealed)]
TagText = Annotated[str, Field(max_length=44), AfterValidator(_tag)]


class Holder(Model):
    """The person through whom a party holds the secret, and the fingerprint of that person's keys."""

    party: Name
    person: PersonIdText
    fingerprint: FingerprintText


class SecretHolders(Document):
    """Who makes and holds the secret of one epoch. Its digest is the salt of the secret."""

    KIND: ClassVar[str] = "secret holders"

    version: Literal["blindlink/secret-holders/1"] = "blindlink/secret-holders/1"
    project: Name
    epoch: Epoch
    holders: Annotated[tuple[Holder, ...], Field(min_length=2, max_length=MAX_HOLDERS)]

    @model_validator(mode="after")
    def _holders_are_different_and_in_order(self) -> Self:
        parties = [holder.party for holder in self.holders]
        if parties != sorted(set(parties)):
            raise ValueError("holders must be listed once each, in the order of their parties")
        if len({holder.fingerprint for holder in self.holders}) != len(parties):
            raise ValueError("two holders have the same keys")
        return self

    @property
    def parties(self) -> tuple[str, ...]:
        """The holders' parties, in order."""
        return tuple(holder.party for holder in self.holders)

    def of(self, party: str) -> Holder | None:
        """Return a party's holder, or None."""
        return next((holder for holder in self.holders if holder.party == party), None)

    def names(self, identity: PublicIdentity) -> bool:
        """Tell whether this very person, with these very keys, is one of the holders."""
        return self.of(identity.party) == holder_of(identity)


def holder_of(identity: PublicIdentity) -> Holder:
    """Return a person as the holder for their party."""
    return Holder(party=identity.party, person=identity.person, fingerprint=identity.fingerprint())


class SecretShare(Document):
    """One holder's contribution, sealed to one other holder."""

    KIND: ClassVar[str] = "secret share"

    version: Literal["blindlink/secret-share/1"] = "blindlink/secret-share/1"
    holders: SecretHolders
    sender: Name
    recipient: Name
    sealed: SealedText
    created: UtcTime

    @model_validator(mode="after")
    def _goes_from_one_holder_to_another(self) -> Self:
        if self.sender == self.recipient:
            raise ValueError("a share goes to another holder")
        self.info()
        return self

    def info(self) -> bytes:
        """Return what the sealing is bound to."""
        return share_info(self.holders, self.sender, self.recipient)


def share_info(holders: SecretHolders, sender: str, recipient: str) -> bytes:
    """Return HPKE's `info` of a share from one holder to another.

    Raises:
        ValueError: one of the two is not a holder.
    """
    source, target = holders.of(sender), holders.of(recipient)
    if source is None or target is None:
        raise ValueError("a share goes from one holder to another")
    bound: dict[str, JsonValue] = {
        "project": holders.project,
        "epoch": holders.epoch,
        "holders": holders.digest(),
        "from": {"party": source.party, "person": source.person},
        "to": {"party": target.party, "person": target.person},
    }
    return b"blindlink/v1/secret-share\n" + canonical_bytes(bound)


class SignedShare(Signed):
    """A share with its sender's signature; HPKE alone says nothing about who sealed it."""

    KIND: ClassVar[str] = "signed share"
    BODY: ClassVar[str] = "share"
    SIGNED_AS: ClassVar[str] = "secret-share"

    share: SecretShare

    def verify(self, sender: PublicIdentity) -> SecretShare:
        """Return the share, signed by this person, whom it names as its sender.

        Raises:
            SignatureError: another person is its sender, or the signature does not cover it.
        """
        share = self.share
        if sender.party != share.sender or not share.holders.names(sender):
            raise SignatureError("the share names other keys as its sender's")
        self.require_signature(sender.verifier())
        return share


class StepTest(Model):
    """One step from a row to an encoding: digests of its rules, and of what they made of invented people."""

    rules: Sha256Hex
    result: Sha256Hex


class SelfTest(Model):
    """What the steps made of the built-in people, each of what the last one made, under a key of their own."""

    recipe: StepTest
    rows: StepTest
    software: Code


class ShareConfirmation(Document):
    """A holder's statement that it has made the secret, with a tag that only who has it can make.

    `holders` is the digest of the holders as this one knows them; `key_id` tells secrets apart.
    """

    KIND: ClassVar[str] = "share confirmation"

    version: Literal["blindlink/share-confirmation/1"] = "blindlink/share-confirmation/1"
    project: Name
    epoch: Epoch
    party: Name
    person: PersonIdText
    holders: Sha256Hex
    key_id: KeyIdHex
    self_test: SelfTest
    created: UtcTime
    tag: TagText

    def tagged_bytes(self) -> bytes:
        """Return what the tag is over: all the rest."""
        stated = self.to_json()
        del stated["tag"]
        return b"blindlink/v1/share-confirmation\n" + canonical_bytes(stated)


class SignedConfirmation(Signed):
    """A confirmation with its holder's signature: a tag alone could be any holder's."""

    KIND: ClassVar[str] = "signed confirmation"
    BODY: ClassVar[str] = "confirmation"
    SIGNED_AS: ClassVar[str] = "share-confirmation"

    confirmation: ShareConfirmation

    def verify(self, holder: PublicIdentity) -> ShareConfirmation:
        """Return the confirmation, signed by this person, in whose name it is.

        Raises:
            SignatureError: it is in another's name, or the signature does not cover it.
        """
        confirmation = self.confirmation
        if (confirmation.party, confirmation.person) != (holder.party, holder.person):
            raise SignatureError("the confirmation is in another person's name")
        self.require_signature(holder.verifier())
        return confirmation


class ShareView(Document):
    """A share as its project's holders see it at the broker: who sent it to whom, not what is in it.

    `sha256` is the digest of the signed share. `fetched` is null until its recipient has taken it; until then
    it may be replaced.
    """

    KIND: ClassVar[str] = "relayed share"

    share: RandomId
    project: Name
    epoch: Epoch
    sender: Name
    recipient: Name
    sha256: Sha256Hex
    created: UtcTime
    fetched: UtcTime | None


class ShareList(Document):
    """The shares of one epoch's secret, by sender, then recipient."""

    KIND: ClassVar[str] = "share list"

    shares: tuple[ShareView, ...]


class ConfirmationList(Document):
    """The newest confirmation of each holder of one epoch's secret, by party."""

    KIND: ClassVar[str] = "confirmation list"

    confirmations: tuple[SignedConfirmation, ...]
