"""What match-log entries say of clerical review, and of the supplementary release that comes of it."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from schemas.agreement.clauses import MAX_QUESTIONS
from schemas.documents.document import Model
from schemas.documents.ids import RUN_PREFIX, Name, Sha256Hex, UtcTime
from schemas.linkage.run import RoundNumber, SupplementNumber
from schemas.matchlog.party_digests import PartyDigests
from schemas.matchlog.registry import DOCUMENT_BYTES, Kind, register
from schemas.rounds.review import EndReason, ReviewFile, SignedReviewStatement
from schemas.rounds.rounds import ListedClaims

# Null: below the floor, or not for all who read the log.
Shown = Annotated[int, Field(ge=0, le=MAX_QUESTIONS)] | None


class ReviewAsked(Model):
    """A run's pairs sent to review are asked about: by whom they are looked at, and who answers with cards.

    The digests are of the file of questions and of the list of buckets. `charged` is how many questions the
    allowance is charged with: those there are, but no number below the floor.
    """

    round: RoundNumber
    reviewer: Name
    asked: Name
    charged: Annotated[int, Field(ge=1, le=MAX_QUESTIONS)]
    questions_sha256: Sha256Hex
    buckets_sha256: Sha256Hex
    deadline: UtcTime


class ReviewFetched(Model):
    """A file of a review is about to leave: this entry commits before its first byte does."""

    round: RoundNumber
    what: ReviewFile
    sha256: Sha256Hex


class ReviewAnswered(Model):
    """The asked agency's cards are there, by the signed statement of its person."""

    round: RoundNumber
    signed: SignedReviewStatement

    @model_validator(mode="after")
    def _statement_is_of_cards(self) -> Self:
        if self.signed.statement.about != "cards":
            raise ValueError("the statement is not of cards")
        return self


class ReviewDecided(Model):
    """A reviewer's decisions are there, by their signed statement; what was decided of whom is not told."""

    round: RoundNumber
    signed: SignedReviewStatement
    accepted: Shown
    rejected: Shown
    unsure: Shown

    @model_validator(mode="after")
    def _statement_is_of_decisions(self) -> Self:
        if self.signed.statement.about != "decisions":
            raise ValueError("the statement is not of decisions")
        return self


class ReviewEnded(Model):
    """No more decisions count.

    `open` are questions that were not decided by as many persons as the agreement asks for. `release` is the
    number of the release of what was accepted, with a match record of its own and what opens it; null, and no
    openings, where nothing is released.
    """

    round: RoundNumber
    reason: EndReason
    accepted: Shown
    rejected: Shown
    open: Shown
    release: SupplementNumber | None
    match_record_root: Sha256Hex | None
    openings: PartyDigests


class SupplementClosed(Model):
    """Link IDs of a supplementary release follow from the claims that are listed here, and from no others."""

    round: RoundNumber
    release: SupplementNumber
    claims: Annotated[tuple[ListedClaims, ...], Field(max_length=2)]

    @model_validator(mode="after")
    def _claims_are_in_order(self) -> Self:
        places = [(one.party, one.partner) for one in self.claims]
        if places != sorted(set(places)):
            raise ValueError("claims must be listed once each, in the order of party and partner")
        return self


REVIEW_KINDS: Final = register(
    {
        "review-asked": Kind(ReviewAsked, object_prefix=RUN_PREFIX, by="broker"),
        "review-answered": Kind(ReviewAnswered, object_prefix=RUN_PREFIX),
        "review-fetched": Kind(
            ReviewFetched, object_prefix=RUN_PREFIX, duties=("analyst", "recipient", "reviewer")
        ),
        "review-decided": Kind(ReviewDecided, object_prefix=RUN_PREFIX),
        "review-ended": Kind(ReviewEnded, object_prefix=RUN_PREFIX, by="broker"),
        "supplement-closed": Kind(
            SupplementClosed, object_prefix=RUN_PREFIX, max_bytes=DOCUMENT_BYTES, by="broker"
        ),
    }
)
