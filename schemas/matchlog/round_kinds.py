"""What match-log entries say of rounds: nonces offered, opened, superseded, claims received, closed."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from schemas.documents.document import Model
from schemas.documents.ids import Code, Name, Sha256Hex, UtcTime
from schemas.linkage.run import MAX_PROVIDERS, ReleaseNumber, RoundNumber
from schemas.matchlog.registry import ANALYSTS, CARRIERS, DOCUMENT_BYTES, Kind, register
from schemas.rounds.rounds import (
    MAX_PAIRS,
    ListedClaims,
    ListedStatement,
    RoundPair,
    SignedNonceOffer,
)


class NoncesOffered(Model):
    """A party offers nonces, or voids some, in a document that its person has signed."""

    signed: SignedNonceOffer


class RoundOpened(Model):
    """A round begins: its number, until when it waits, and which pairs are ready, with their nonces.

    `corrects` is the number of the round before it that it takes the place of; null for a regular one.
    """

    round: RoundNumber
    deadline: UtcTime
    corrects: RoundNumber | None
    pairs: Annotated[tuple[RoundPair, ...], Field(min_length=1, max_length=MAX_PAIRS)]

    @model_validator(mode="after")
    def _pairs_are_in_order(self) -> Self:
        names = [tuple(sorted(pair.parties)) for pair in self.pairs]
        if names != sorted(set(names)):
            raise ValueError("pairs must be listed once each, in the order of their parties")
        return self


class RoundSuperseded(Model):
    """A round ends without counting: an upload was wrong. Round `by` takes its place."""

    round: RoundNumber
    by: RoundNumber
    reason: Code


class ClaimsReceived(Model):
    """A party's sealed claims for its partner are kept; later ones take the place of earlier ones.

    `sequence` counts the messages of this party to this partner over all rounds. `release` is the number of the
    release that the claims are about: 1, or that of a supplement.
    """

    round: RoundNumber
    release: ReleaseNumber
    partner: Name
    sequence: Annotated[int, Field(ge=1)]
    sha256: Sha256Hex


class StatementReceived(Model):
    """A party's sealed chain statement is kept for the recipients of a space; a later one takes its place.

    `sequence` counts the statements of this party for this space over all rounds.
    """

    round: RoundNumber
    space: Name
    sequence: Annotated[int, Field(ge=1)]
    sha256: Sha256Hex


class RoundClosed(Model):
    """A round ends; link IDs follow from the messages that are listed here, and from no others.

    `statements` are those for spaces of more than two recipients.
    """

    round: RoundNumber
    claims: Annotated[tuple[ListedClaims, ...], Field(max_length=2 * MAX_PAIRS)]
    statements: Annotated[tuple[ListedStatement, ...], Field(max_length=MAX_PROVIDERS)]

    @model_validator(mode="after")
    def _messages_are_in_order(self) -> Self:
        places = [(one.party, one.partner) for one in self.claims]
        if places != sorted(set(places)):
            raise ValueError("claims must be listed once each, in the order of party and partner")
        stated = [(one.party, one.space) for one in self.statements]
        if stated != sorted(set(stated)):
            raise ValueError("statements must be listed once each, in the order of party and space")
        return self


ROUND_KINDS: Final = register(
    {
        "nonces-offered": Kind(NoncesOffered),
        "round-opened": Kind(RoundOpened, max_bytes=DOCUMENT_BYTES, duties=ANALYSTS),
        "round-superseded": Kind(RoundSuperseded, duties=ANALYSTS),
        "claims-received": Kind(ClaimsReceived, duties=CARRIERS),
        "statement-received": Kind(StatementReceived, duties=CARRIERS),
        "round-closed": Kind(RoundClosed, max_bytes=DOCUMENT_BYTES, by="broker"),
    }
)
