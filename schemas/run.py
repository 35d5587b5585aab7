"""The matching policy and the run specification: what is compared with what, how, and for whom.

Approvals are signatures over the exact specification. Spec page: `schemas/spec/run-specification.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.document import Document, Model
from schemas.errors import PolicyError
from schemas.ids import DecimalText, Name, RandomId, Sha256Hex, UtcTime
from schemas.profile import EncodingProfile, encoded_similarity

ALGORITHM: Final = "blindlink-matching/1"

Solver = Literal["one-to-one", "groups"]
ReleaseMode = Literal["linked", "blind", "count", "none"]
SpaceLifetime = Literal["run", "project"]


class MatchingPolicy(Document):
    """Thresholds in plain-CLK units, as decimal strings; the broker maps them for the encoding profile.

    A pair at or above `auto`, mutual best and ahead of each side's runner-up by `margin`, is released;
    one at or above `review` is held back for a decision; the rest is rejected.
    """

    KIND: ClassVar[str] = "matching policy"

    auto: DecimalText
    review: DecimalText
    margin: DecimalText
    solver: Solver
    max_pairs: Annotated[int, Field(ge=1, le=10**9)] = 50_000_000

    @model_validator(mode="after")
    def _bands_are_ordered(self) -> Self:
        fault = _fault_of_bands(self.auto, self.review, self.margin)
        if fault is not None:
            raise ValueError(fault)
        return self


@lru_cache(maxsize=64)
def _fault_of_bands(auto: str, review: str, margin: str) -> str | None:
    # Exact fractions are slow, and all runs of a project have the same few thresholds.
    if not 0 < Fraction(review) <= Fraction(auto) <= 1:
        return "thresholds must satisfy 0 < review <= auto <= 1"
    if not 0 <= Fraction(margin) < Fraction(auto):
        return "the margin must be at least 0 and below the auto threshold"
    return None


@dataclass(frozen=True, slots=True)
class EncodedThresholds:
    """A matching policy in units of the encodings' own similarity, exact."""

    auto: Fraction
    review: Fraction
    margin: Fraction


def encoded_thresholds(policy: MatchingPolicy, profile: EncodingProfile) -> EncodedThresholds:
    """Map the policy's thresholds and margin to the similarity of this profile's encodings.

    Raises:
        PolicyError: a threshold is too low for the profile's hardening.
    """
    auto = encoded_similarity(profile, Fraction(policy.auto))
    review = encoded_similarity(profile, Fraction(policy.review))
    try:
        below = encoded_similarity(profile, Fraction(policy.auto) - Fraction(policy.margin))
    except PolicyError as exc:
        raise PolicyError("the margin is too wide for this encoding profile") from exc
    return EncodedThresholds(auto=auto, review=review, margin=auto - below)


class RunUpload(Model):
    """One party's contribution to a run."""

    party: Name
    upload: RandomId
    container_sha256: Sha256Hex
    manifest_sha256: Sha256Hex


class Recipient(Model):
    """A party that receives link IDs, in which mode, and in which ID space.

    Two recipients in one space can join what they receive; different spaces cannot be joined.
    """

    party: Name
    mode: ReleaseMode
    space: Name


class IdSpace(Model):
    """A set of link IDs that mean the same person wherever they occur; new per run, or lasting."""

    name: Name
    lifetime: SpaceLifetime


class RunSpecification(Document):
    """All that decides a run's result: the same specification gives the same groups, bands and link IDs."""

    KIND: ClassVar[str] = "run specification"

    version: Literal["blindlink/run/1"] = "blindlink/run/1"
    run: RandomId
    project: Name
    epoch: Annotated[int, Field(ge=1, le=10**6)]
    agreement: Sha256Hex
    uploads: Annotated[tuple[RunUpload, ...], Field(min_length=1, max_length=64)]
    profile: Sha256Hex
    policy: MatchingPolicy
    algorithm: Literal["blindlink-matching/1"] = ALGORITHM
    recipients: Annotated[tuple[Recipient, ...], Field(max_length=64)]
    spaces: Annotated[tuple[IdSpace, ...], Field(max_length=64)]
    floor: Annotated[int, Field(ge=0, le=10**6)]
    asked_by: Name
    asked_at: UtcTime

    @model_validator(mode="after")
    def _names_are_unique_and_known(self) -> Self:
        # One order for the uploads, since dataset numbers, and so every tie, follow from it.
        parties = [upload.party for upload in self.uploads]
        if parties != sorted(set(parties)):
            raise ValueError("uploads must be one per party, in the order of party names")
        receiving = [recipient.party for recipient in self.recipients]
        if receiving != sorted(set(receiving)):
            raise ValueError("recipients must be one per party, in the order of party names")
        spaces = {space.name for space in self.spaces}
        if len(spaces) != len(self.spaces) or any(r.space not in spaces for r in self.recipients):
            raise ValueError("every recipient's ID space must be listed once")
        return self
