"""A rollback of link IDs: every recipient of a link-ID set signs the same, and then each ledger goes back.

Spec page: `schemas/spec/rollback.md`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.documents.canonical import canonical_digest
from schemas.documents.document import Document, Model
from schemas.documents.ids import Name, Sha256Hex, UtcTime
from schemas.documents.texts import Text
from schemas.rounds.space_message import PairOfParties, Round
from schemas.signing.identity import PersonIdText, PublicIdentity
from schemas.signing.signatures import Signed


class Release(Model):
    """A release by its round and its number within it."""

    round: Round
    release: Round

    def place(self) -> tuple[int, int]:
        """Return the place among releases."""
        return self.round, self.release


class PairLedger(Model):
    """What a ledger says of a pair: its newest release up to that of the rollback, and the digest."""

    pair: PairOfParties
    round: Round
    release: Round
    digest: Sha256Hex


class Rollback(Document):
    """What a person of one recipient signs.

    `to` is the release to whose link IDs all go back, `applied` the newest one that all have applied: a
    rollback counts from the round after it on, and is void once another one was applied. `ledgers` are those of
    the party's pairs.
    """

    KIND: ClassVar[str] = "rollback of link IDs"

    version: Literal["blindlink/rollback/1"] = "blindlink/rollback/1"
    project: Name
    space: Name
    to: Release
    applied: Release
    ledgers: Annotated[tuple[PairLedger, ...], Field(min_length=1, max_length=64)]
    party: Name
    person: PersonIdText
    reason: Text
    at: UtcTime

    @model_validator(mode="after")
    def _goes_back(self) -> Self:
        if self.to.place() >= self.applied.place():
            raise ValueError("a rollback goes back to an earlier release than the newest one")
        pairs = [one.pair for one in self.ledgers]
        if pairs != sorted(set(pairs)) or any(
            self.party not in pair or pair[0] >= pair[1] for pair in pairs
        ):
            raise ValueError("ledgers are of pairs of the party, each once and in order")
        if any((one.round, one.release) > self.to.place() for one in self.ledgers):
            raise ValueError("a ledger is not newer than the release that is gone back to")
        return self

    def subject(self) -> str:
        """Return the digest of what all recipients sign alike; ledgers carry it on in their messages."""
        common = ("version", "project", "space", "to", "applied")
        said = self.to_json()
        return canonical_digest({name: said[name] for name in common})

    def agrees_with(self, other: Rollback) -> bool:
        """Tell whether two parties sign the same: subject, and the digests of the pairs that both are of."""
        here, there = ({one.pair: one for one in side.ledgers} for side in (self, other))
        return self.subject() == other.subject() and all(
            here[pair] == there[pair] for pair in here.keys() & there.keys()
        )


class SignedRollback(Signed):
    """A rollback with the signature of its person."""

    KIND: ClassVar[str] = "signed rollback"
    BODY: ClassVar[str] = "rollback"
    SIGNED_AS: ClassVar[str] = "ledger-rollback"

    rollback: Rollback

    def verify(self, person: PublicIdentity) -> Rollback:
        """Return the rollback once it is known that its person has signed it.

        Raises:
            SignatureError: they have not.
        """
        self.require_signature(person.verifier())
        return self.rollback
