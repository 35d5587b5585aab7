"""The matching policy and the run specification: what is compared with what, how, and for whom.

A run links two files, those of one pair of agencies in one round. Approvals are signatures over the exact
specification. Spec pages: `schemas/spec/run-specification.md`, `matching.md`.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.documents.document import Document, Model
from schemas.documents.ids import DecimalText, Name, RandomId, Sha256Hex, UtcTime

ALGORITHM: Final = "blindlink/matching/2"

# Every two agencies are a pair of a round: the entries that open and close one of 120 pairs just fit the log
# and a receipt.
MAX_PROVIDERS: Final = 16

ReleaseMode = Literal["linked", "blind", "count", "none"]
SpaceLifetime = Literal["lasting", "round"]
RoundNumber = Annotated[int, Field(ge=1, le=10**6)]
# Releases of a round: all after the first are supplementary.
ReleaseNumber = Annotated[int, Field(ge=1, le=10**6)]
SupplementNumber = Annotated[int, Field(ge=2, le=10**6)]


class LinkRate(Model):
    """Between which shares of the smaller file a run may link; outside, nothing is released."""

    least: DecimalText
    most: DecimalText

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if not Fraction(self.least) <= Fraction(self.most) <= 1:
            raise ValueError("a link rate must satisfy 0 <= least <= most <= 1")
        return self


# More than a nation's files of sixty million records find.
MOST_PAIRS: Final = 10**9


class MatchingPolicy(Document):
    """When a pair is linked, as match probabilities in decimal text.

    A pair of probability `auto` or more is linked, if it is at least `lead` times as likely as the best other
    pair of either record; one of `review` or more is sent to review; the rest is rejected. With `twin_guard` a
    pair that twins would explain as well is sent to review. `prior_matches` is the share of the smaller file
    that is expected to match.
    """

    KIND: ClassVar[str] = "matching policy"

    auto: DecimalText
    review: DecimalText
    lead: Annotated[int, Field(ge=1, le=10**6)]
    twin_guard: bool
    prior_matches: DecimalText
    link_rate: LinkRate
    max_pairs: Annotated[int, Field(ge=1, le=MOST_PAIRS)] = 50_000_000

    @model_validator(mode="after")
    def _numbers_are_in_range(self) -> Self:
        fault = _fault_of_policy(self.auto, self.review, self.prior_matches)
        if fault is not None:
            raise ValueError(fault)
        return self


@lru_cache(maxsize=64)
def _fault_of_policy(auto: str, review: str, prior_matches: str) -> str | None:
    # Exact fractions are slow, and all runs of a project have the same few policies.
    if not 0 < Fraction(review) <= Fraction(auto) < 1:
        return "the probabilities must satisfy 0 < review <= auto < 1"
    if not 0 < Fraction(prior_matches) <= 1:
        return "the share of expected matches must be above 0 and at most 1"
    return None


# What drafts propose. Measured for the shipped profiles on rehearsal data: docs/matching.md.
RECOMMENDED_POLICY: Final = MatchingPolicy(
    auto="0.9",
    review="0.05",
    lead=1,
    twin_guard=False,
    prior_matches="0.4",
    link_rate=LinkRate(least="0", most="1"),
)


class RunUpload(Model):
    """One party's contribution to a run."""

    party: Name
    upload: RandomId
    container_sha256: Sha256Hex
    manifest_sha256: Sha256Hex


class Recipient(Model):
    """A party that receives matches, in which mode, and in which link-ID set.

    Two recipients in one link-ID set can join what they receive; different sets cannot be joined.
    """

    party: Name
    mode: ReleaseMode
    space: Name


class IdSpace(Model):
    """A set of link IDs that mean the same person wherever they occur; new in each round, or lasting."""

    name: Name
    lifetime: SpaceLifetime


class RunSpecification(Document):
    """All that decides a run's result: the same specification gives the same pairs, bands and match IDs.

    `uploads` are the larger file's and the smaller file's, in this order.
    """

    KIND: ClassVar[str] = "run specification"

    version: Literal["blindlink/run/3"] = "blindlink/run/3"
    run: RandomId
    project: Name
    epoch: Annotated[int, Field(ge=1, le=10**6)]
    round: RoundNumber
    agreement: Sha256Hex
    uploads: tuple[RunUpload, RunUpload]
    profile: Sha256Hex
    policy: MatchingPolicy
    algorithm: Literal["blindlink/matching/2"] = ALGORITHM
    recipients: Annotated[tuple[Recipient, ...], Field(max_length=64)]
    spaces: Annotated[tuple[IdSpace, ...], Field(max_length=64)]
    floor: Annotated[int, Field(ge=0, le=10**6)]
    asked_by: Name
    asked_at: UtcTime

    @model_validator(mode="after")
    def _names_are_unique_and_known(self) -> Self:
        larger, smaller = self.uploads
        if larger.party == smaller.party:
            raise ValueError("the two uploads of a run are those of two parties")
        receiving = [recipient.party for recipient in self.recipients]
        if receiving != sorted(set(receiving)):
            raise ValueError("recipients must be one per party, in the order of party names")
        spaces = {space.name for space in self.spaces}
        if len(spaces) != len(self.spaces) or any(r.space not in spaces for r in self.recipients):
            raise ValueError("every recipient's link-ID set must be listed once")
        return self
