"""How often strangers agree, and twins: what an agency counts in its own file and signs in its manifest.

Integers only, so that broker, agencies and auditors work out the same weights from them to the bit.
Spec page: `schemas/spec/manifest.md`.
"""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from schemas.documents.document import Model
from schemas.documents.errors import DocumentError
from schemas.documents.ids import Code
from schemas.linkage.fields import MILLION, ProfileField
from schemas.linkage.profile import EncodingProfile

Count = Annotated[int, Field(ge=0, le=2**40)]
# A smaller file's counts would say something of its few people: the profile's published ones are used.
SMALLEST_COUNTED_FILE: Final = 2_000


class FieldCounts(Model):
    """One field: pairs of strangers at each level, and how twins are spread over the levels.

    `twins` are parts of a million, in the order of the profile's levels.
    """

    field: Code
    strangers: Annotated[tuple[Count, ...], Field(min_length=2, max_length=16)]
    twins: Annotated[
        tuple[Annotated[int, Field(ge=0, le=MILLION)], ...], Field(min_length=2, max_length=16)
    ]

    @model_validator(mode="after")
    def _twins_are_a_distribution(self) -> Self:
        if sum(self.twins) != MILLION or len(self.twins) != len(self.strangers):
            raise ValueError("the levels of twins must add up to a million, one for each level")
        if not any(self.strangers):
            raise ValueError("no pair of strangers was counted")
        return self


class FileCounts(Model):
    """What was counted in the larger file of a pair.

    `dependence` is how much more often strangers agree on both names than the names apart would have it,
    in thousandths of a bit. `twin_pairs` is how many pairs of its records are twins.
    """

    fields: Annotated[tuple[FieldCounts, ...], Field(min_length=1, max_length=16)]
    dependence: Annotated[int, Field(ge=0, le=30_000)]
    twin_pairs: Annotated[int, Field(ge=1, le=2**40)]

    def fits(self, profile: EncodingProfile) -> bool:
        """Tell whether fields and levels are those of the profile."""
        ours = [(one.field, len(one.strangers)) for one in self.fields]
        return ours == [(field.name, len(field.levels)) for field in profile.fields]


def published_counts(profile: EncodingProfile, n_records: int) -> FileCounts:
    """Return the counts that the profile ships, for a file of so many records, too small to be counted."""
    return FileCounts(
        fields=tuple(
            FieldCounts(
                field=field.name,
                strangers=tuple(level.u for level in field.levels),
                twins=published_twins(field),
            )
            for field in profile.fields
        ),
        dependence=profile.dependence.published if profile.dependence else 0,
        twin_pairs=max(1, profile.twins_per_million * n_records // MILLION),
    )


def published_twins(field: ProfileField) -> tuple[int, ...]:
    """Return how twins spread over a field's levels, in parts of a million: as matches, or as strangers."""
    # Parts of a million by parts of a thousand, and u has three digits more than m.
    mixed = [
        1000 * field.twins * level.m + (1000 - field.twins) * level.u for level in field.levels
    ]
    twins = [value // MILLION for value in mixed]
    twins[-1] += MILLION - sum(twins)
    return tuple(twins)


def require_fit(counts: FileCounts, profile: EncodingProfile) -> None:
    """Refuse counts of another profile.

    Raises:
        DocumentError: fields or levels are not those of the profile.
    """
    if not counts.fits(profile):
        raise DocumentError("manifest: the counts are not of this profile's fields and levels")
