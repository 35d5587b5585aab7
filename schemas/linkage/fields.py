"""Fields of an encoding profile: what is compared together, its lanes in a row, and its levels.

A row has 64 bytes. Each *lane* is a part of them: a field filter of 64 bits, or a tag of 16 bits that tells
whether two values are equal. Two rows of one cell show the Hamming distance of each lane; a *level* is a
rule over these distances. Spec page: `schemas/spec/encoding-profile.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, StringConstraints, model_validator

from schemas.documents.document import Model
from schemas.documents.ids import Code

FILTER_BITS: Final = 64
TAG_BITS: Final = 16
MILLION: Final = 1_000_000

Memory = Literal["linked-before", "rejected-before"]
"""What agencies remember of earlier rounds, and no file holds."""

MEMORY_COLUMNS: Final[dict[Memory, tuple[str, ...]]] = {
    "linked-before": ("linked_before_1", "linked_before_2"),
    "rejected-before": ("rejected_before_1", "rejected_before_2", "rejected_before_3"),
}
"""The columns of each kind of memory: the link ID, in both; names of records that were rejected."""

Column = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A derived column of the recipe."""

NumberKind = Literal["student-id", "case-number", "ssn"]
NUMBER_KINDS: Final[tuple[NumberKind, ...]] = get_args(NumberKind)
"""What a known number is: one kind a project, by which both agencies know a person."""

NUMBER_INPUTS: Final[Mapping[NumberKind, str]] = MappingProxyType(
    {kind: kind.replace("-", "_") for kind in NUMBER_KINDS}
)
"""What the recipe calls the agency's column of each kind."""


class Lane(Model):
    """One part of a row, made from one derived column.

    `filter` is a Bloom filter of 64 bits: `linkage` is the clkhash feature, as JSON text, that says how the
    value is cut into tokens and how many places they are given. `tag` is 16 bits that are equal for equal
    values.
    """

    column: Column
    kind: Literal["filter", "tag"]
    linkage: Annotated[str, Field(min_length=2, max_length=2_000)] | None

    @model_validator(mode="after")
    def _filters_have_a_linkage_feature(self) -> Self:
        if (self.kind == "filter") != (self.linkage is not None):
            raise ValueError("a filter, and no tag, has the linkage feature of its column")
        return self

    @property
    def bits(self) -> int:
        """How many bits of a row it takes."""
        return FILTER_BITS if self.kind == "filter" else TAG_BITS


class Condition(Model):
    """A lane differs in at most so many bits; 0 means that the values are equal."""

    lane: Column
    within: Annotated[int, Field(ge=0, le=FILTER_BITS)]


class Level(Model):
    """How near two values are: it holds if all conditions of any of its alternatives hold.

    The last level of a field has no alternative and holds whenever no other does. `m` is how often true
    matches are at this level, in parts of a million, `u` how often strangers are, in parts of 10^9: what
    the agency's own counts replace where its file is large enough.
    """

    name: Code
    any_of: Annotated[
        tuple[Annotated[tuple[Condition, ...], Field(min_length=1, max_length=4)], ...],
        Field(max_length=4),
    ]
    m: Annotated[int, Field(ge=1, le=MILLION)]
    u: Annotated[int, Field(ge=1, le=10**9)]


class LevelsOf(Model):
    """Some levels of one field, by name."""

    field: Code
    levels: Annotated[tuple[Code, ...], Field(min_length=1, max_length=16)]


class ProfileField(Model):
    """A field: derived columns that are compared together, levels from nearest to farthest.

    A record has the field if it has a value in the first lane's column; two records of which one lacks it
    are not compared by it. `twins` is how many of a thousand twins agree on it because they are twins.
    A field of `memory` has two levels and that memory's columns. Every record has it, one without a value
    being unlike any other: so a row does not show who was linked, and u is not counted, but as shipped.
    Two records at the first level of `rejected-before` are never linked.
    A field that others may contradict is a *known number*: one tag and two levels, and u as shipped, too. Two
    records at its first level that are also at one of the levels named here, or that are compared by none of
    these fields, are linked by a person only.
    """

    name: Code
    lanes: Annotated[tuple[Lane, ...], Field(min_length=1, max_length=8)]
    levels: Annotated[tuple[Level, ...], Field(min_length=2, max_length=16)]
    twins: Annotated[int, Field(ge=0, le=1000)]
    memory: Memory | None
    contradicted_by: Annotated[
        tuple[LevelsOf, ...], Field(max_length=8, exclude_if=lambda levels: not levels)
    ] = ()

    @property
    def is_counted(self) -> bool:
        """Whether the agency counts how often strangers agree on it; if not, u is as shipped."""
        return self.memory is None and not self.contradicted_by

    @model_validator(mode="after")
    def _levels_are_complete(self) -> Self:
        names = [level.name for level in self.levels]
        if len(set(names)) != len(names):
            raise ValueError("the levels of a field must have different names")
        if [not level.any_of for level in self.levels] != [False] * (len(names) - 1) + [True]:
            raise ValueError("the last level of a field, and no other, holds without a condition")
        if sum(level.m for level in self.levels) != MILLION:
            raise ValueError("the m of a field's levels must add up to a million")
        if sum(level.u for level in self.levels) != 10**9:
            raise ValueError("the u of a field's levels must add up to 1,000,000,000")
        kinds = {lane.column: lane.kind for lane in self.lanes}
        used = [one for level in self.levels for choice in level.any_of for one in choice]
        if not {one.lane for one in used} <= kinds.keys():
            raise ValueError("a level names a lane that its field has not")
        if any(one.within and kinds[one.lane] == "tag" for one in used):
            # How many bits of two tags differ says nothing of how near their values are.
            raise ValueError("a level may ask of a tag only that it is equal: within 0")
        if self.memory is not None:
            lanes = [(lane.column, lane.kind) for lane in self.lanes]
            if lanes != [(column, "tag") for column in MEMORY_COLUMNS[self.memory]]:
                raise ValueError(f"the lanes of the memory {self.memory} are tags of its columns")
            if len(self.levels) != 2 or self.twins:
                raise ValueError("a field of memory has two levels, and twins do not share it")
        if self.contradicted_by:
            if self.memory is not None or [lane.kind for lane in self.lanes] != ["tag"]:
                raise ValueError("a known number has one tag, and is no memory")
            if len(self.levels) != 2 or self.twins:
                raise ValueError("a known number has two levels, and twins do not share it")
        return self
