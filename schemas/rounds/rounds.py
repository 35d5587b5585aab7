"""Rounds: one turn of a project, with its number, its nonces, its uploads, its claims.

Each agency keeps unspent nonces in the match log, numbered, naming neither round nor epoch. A round uses one
of each party of a pair, so that its keys are new. Spec page: `schemas/spec/rounds.md`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.documents.document import Document, Model
from schemas.documents.ids import Code, Name, RandomId, Sha256Hex, UtcTime
from schemas.linkage.run import MAX_PROVIDERS, ReleaseNumber, RoundNumber
from schemas.rounds.receipt import Receipt
from schemas.rounds.upload import Signature
from schemas.signing.identity import PersonIdText

NONCE_BYTES: Final = 32
# So many unspent ones each agency keeps in the log for each partner: a round and three corrections of it.
NONCES_PER_PARTNER: Final = 4
MAX_OFFERED: Final = 16
# Sealed claims have some 141 bytes a match, so this is seven million matches of a pair of agencies.
MAX_MESSAGE_BYTES: Final = 1 << 30
MAX_PAIRS: Final = MAX_PROVIDERS * (MAX_PROVIDERS - 1) // 2

NonceNumber = Annotated[int, Field(ge=1, le=10**9)]
NonceHex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RoundState = Literal["open", "closed", "superseded"]


def nonces_kept(n_partners: int) -> int:
    """Return how many unspent nonces an agency with so many partners keeps in the log."""
    return min(MAX_OFFERED, NONCES_PER_PARTNER * n_partners)


class NonceOffer(Document):
    """Nonces that a party's workspace drew, numbered on from the ones it offered before.

    `void_below`: every nonce of a lower number that no round has used is void, as after a restore, a hand-over
    or a revocation.
    """

    KIND: ClassVar[str] = "nonce offer"

    version: Literal["blindlink/nonces/1"] = "blindlink/nonces/1"
    project: Name
    party: Name
    person: PersonIdText
    first: NonceNumber
    nonces: Annotated[tuple[NonceHex, ...], Field(max_length=MAX_OFFERED)]
    void_below: NonceNumber
    at: UtcTime

    @model_validator(mode="after")
    def _nonces_are_new(self) -> Self:
        if len(set(self.nonces)) != len(self.nonces):
            raise ValueError("a nonce is offered twice")
        if self.void_below > self.first:
            raise ValueError("an offer voids nonces that come after it")
        return self


class SignedNonceOffer(Document):
    """Nonces with the signature of the person who offers them."""

    KIND: ClassVar[str] = "signed nonce offer"

    offer: NonceOffer
    signature: Signature


class NonceState(Document):
    """What the broker knows of a party's nonces: how many are unspent, and the next number."""

    KIND: ClassVar[str] = "nonces"

    party: Name
    unspent: Annotated[int, Field(ge=0)]
    next: NonceNumber


class UsedNonce(Model):
    """A nonce that a round uses: its number in its party's offers, and itself."""

    number: NonceNumber
    nonce: NonceHex


class RoundPair(Model):
    """A pair of agencies in a round, the one with the larger file first, and the nonces of both."""

    larger: Name
    smaller: Name
    nonce_larger: UsedNonce
    nonce_smaller: UsedNonce

    @property
    def parties(self) -> tuple[str, str]:
        """Both parties, the one with the larger file first."""
        return self.larger, self.smaller

    def partner_of(self, party: str) -> str:
        """Return the other party of the pair."""
        return self.smaller if party == self.larger else self.larger


class ListedClaims(Model):
    """Claims that count: of which party for which partner, and the digest of the sealed message."""

    party: Name
    partner: Name
    sha256: Sha256Hex


class ListedStatement(Model):
    """A chain statement that counts: of which party, for which link-ID set, the digest of what is sealed."""

    party: Name
    space: Name
    sha256: Sha256Hex


class PairProgress(Model):
    """How far a pair of a round is: roots of committed containers, the run, and whose claims are there.

    `earlier` is the party that committed first, `run` the newest run. `has_result`: it has succeeded, and
    claims are due if both parties receive in one link-ID set.
    """

    larger: Name
    smaller: Name
    root_larger: Sha256Hex | None
    root_smaller: Sha256Hex | None
    earlier: Name | None
    run: RandomId | None
    has_result: bool
    claims: tuple[ListedClaims, ...]


class SupplementView(Model):
    """A supplementary release of a round, of one pair: what its clerical review has accepted.

    `release` is its number within the round, `claims` those that are there, `closing` the proof that it was
    closed with these, about `run`: null before.
    """

    release: Annotated[int, Field(ge=2)]
    larger: Name
    smaller: Name
    run: RandomId
    state: Literal["open", "closed"]
    claims: tuple[ListedClaims, ...]
    closing: Receipt | None


class RoundView(Document):
    """A round as a party of its project sees it.

    `receipt` proves that the round was opened so. `superseded_by` is the number of the round that corrects it,
    `closing` the proof that it was closed with these claims: null before. `statements` are those that are
    there, for spaces of more than two recipients. `supplements` come in the order of their numbers.
    """

    KIND: ClassVar[str] = "round"

    project: Name
    round: RoundNumber
    state: RoundState
    opened: UtcTime
    deadline: UtcTime
    pairs: Annotated[tuple[RoundPair, ...], Field(min_length=1, max_length=MAX_PAIRS)]
    progress: Annotated[tuple[PairProgress, ...], Field(max_length=MAX_PAIRS)]
    statements: Annotated[tuple[ListedStatement, ...], Field(max_length=MAX_PROVIDERS)] = ()
    supplements: tuple[SupplementView, ...] = ()
    superseded_by: RoundNumber | None
    receipt: Receipt
    closing: Receipt | None


class RoundList(Document):
    """Rounds, newest first.

    `due` tells whether a new one may be opened now; `waiting_for` names parties without an unspent nonce.
    """

    KIND: ClassVar[str] = "round list"

    rounds: tuple[RoundView, ...]
    due: bool
    waiting_for: tuple[Name, ...]


class Correction(Document):
    """Asks for the next round number because an upload was wrong; both containers of each pair are void."""

    KIND: ClassVar[str] = "correction"

    reason: Code


class ClaimsReceipt(Document):
    """The sealed claims were logged under this digest."""

    KIND: ClassVar[str] = "claims receipt"

    round: RoundNumber
    release: ReleaseNumber = 1
    party: Name
    partner: Name
    sha256: Sha256Hex
    sequence: Annotated[int, Field(ge=1)]


class StatementReceipt(Document):
    """The sealed chain statement was logged under this digest."""

    KIND: ClassVar[str] = "statement receipt"

    round: RoundNumber
    party: Name
    space: Name
    sha256: Sha256Hex
    sequence: Annotated[int, Field(ge=1)]
