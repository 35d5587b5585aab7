"""The encoding profile: all that two agencies must do alike, under one digest.

Its digest is in every container and manifest, and is part of the keys of every round: encodings made by
different rules have nothing in common. Spec page: `schemas/spec/encoding-profile.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, JsonValue, model_validator

from schemas.documents.document import Document, Model
from schemas.documents.ids import Code
from schemas.linkage.fields import MEMORY_COLUMNS, MILLION, TAG_BITS, LevelsOf, ProfileField
from schemas.linkage.passes import AliasKeys, Either, Exchange, Pass

ROW_BYTES: Final = 64
TOKEN_BYTES: Final = 16
SPARE_PATTERNS: Final = 2**40
Side = Literal["larger", "smaller"]
"""Which file of a pair it is; the agreement says so, whatever their sizes turn out to be."""
SIDES: Final[tuple[Side, Side]] = ("larger", "smaller")


class Dependence(Model):
    """Levels of two fields that strangers reach together more often than each by itself.

    A people's first names come with its surnames. `published` is by how much more often, in thousandths of
    a bit, where a file is too small to be counted.
    """

    levels: tuple[LevelsOf, LevelsOf]
    published: Annotated[int, Field(ge=0, le=30_000)]

    @model_validator(mode="after")
    def _fields_are_two(self) -> Self:
        _refuse_repeats([one.field for one in self.levels], "fields of the dependence")
        return self


class EncodingProfile(Document):
    """Recipe, fields and passes, as both agencies must apply them.

    `passes` come in order of importance. `either` and `exchange` say which further spellings a record has:
    where a column is empty, and where names may stand in each other's place. `block_cap` (c) is how many
    rows of the larger file a block holds at most. `strength` is how many true pairs the shipped m weigh as
    much as, `twin_strength` the same for twins; `twins_per_million` is how many pairs of twins a million
    records hold, where a file is too small to be counted.
    """

    KIND: ClassVar[str] = "encoding profile"

    version: Literal["blindlink/encoding-profile/2"] = "blindlink/encoding-profile/2"
    name: Code
    recipe: dict[str, JsonValue]
    fields: Annotated[tuple[ProfileField, ...], Field(min_length=1, max_length=16)]
    passes: Annotated[tuple[Pass, ...], Field(min_length=1, max_length=16)]
    alias_keys: AliasKeys
    either: Annotated[Either | None, Field(exclude_if=lambda one: one is None)] = None
    exchange: Annotated[
        tuple[Exchange, ...], Field(max_length=4, exclude_if=lambda triples: not triples)
    ] = ()
    block_cap: Annotated[int, Field(ge=1, le=64)]
    strength: Annotated[int, Field(ge=1, le=1_000_000)]
    twin_strength: Annotated[int, Field(ge=1, le=1_000_000)]
    twins_per_million: Annotated[int, Field(ge=1, le=MILLION)]
    dependence: Dependence | None

    @model_validator(mode="after")
    def _parts_fit_each_other(self) -> Self:
        _refuse_repeats([field.name for field in self.fields], "fields")
        _refuse_repeats([one.name for one in self.passes], "passes")
        columns = [lane.column for field in self.fields for lane in field.lanes]
        _refuse_repeats(columns, "lanes")
        n_bits = sum(lane.bits for field in self.fields for lane in field.lanes)
        n_bits += TAG_BITS * sum(field.memory is None for field in self.fields)
        if n_bits > 8 * ROW_BYTES:
            raise ValueError(f"the lanes of a profile take more than {ROW_BYTES} bytes")
        memories = [field.memory for field in self.fields if field.memory is not None]
        _refuse_repeats([str(memory) for memory in memories], "memories")
        n_patterns = 1
        for field in self.fields:
            n_patterns *= len(field.levels) + 1
        if n_patterns > SPARE_PATTERNS:
            raise ValueError("the fields have too many levels together")
        known = {field.name: {level.name for level in field.levels} for field in self.fields}
        for named in self.dependence.levels if self.dependence else ():
            if not set(named.levels) <= known.get(named.field, set()):
                raise ValueError("the dependence names a level that no field has")
        self._refuse_contradictions(known)
        return self

    def _refuse_contradictions(self, known: Mapping[str, set[str]]) -> None:
        numbers = [field for field in self.fields if field.contradicted_by]
        if len(numbers) > 1:
            raise ValueError("a profile has one known number at most")
        counted = {field.name for field in self.fields if field.is_counted}
        for number in numbers:
            _refuse_repeats([one.field for one in number.contradicted_by], "contradicting fields")
            for one in number.contradicted_by:
                if one.field not in counted or not set(one.levels) <= known[one.field]:
                    raise ValueError("a known number is contradicted by levels of other fields")

    @property
    def keys(self) -> int:
        """How many keys the main spelling of a record has, those that it lacks included."""
        return sum(len(one.keys) for one in self.passes)

    def rows(self, side: Side) -> int:
        """Return how many rows each record has in the larger or the smaller file of a pair."""
        if side == "larger":
            return self.keys + self.alias_keys.larger
        return (self.keys + self.alias_keys.smaller) * self.block_cap

    def without_memory(self) -> Self:
        """Return the profile without what agencies remember: all that one file can be told by."""
        remembered = {*memory_columns(self)}
        return self.model_copy(
            update={
                "fields": tuple(field for field in self.fields if field.memory is None),
                "passes": tuple(one for one in self.passes if not one.columns & remembered),
            }
        )

    @property
    def number_kind(self) -> JsonValue:
        """What its recipe takes for a known number, such as `ssn`; None: nothing."""
        return self.recipe.get("number")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read, derived or remembered, in the order of lanes, then of passes."""
        lanes = [lane.column for field in self.fields for lane in field.lanes]
        keys = [column for one in self.passes for column in sorted(one.columns)]
        further = [name for triple in self.exchange for name in triple]
        further += [self.either.column] if self.either else []
        return tuple(dict.fromkeys((*lanes, *keys, *further)))


def memory_columns(profile: EncodingProfile) -> tuple[str, ...]:
    """Return the columns of the profile that no recipe makes: what agencies remember of earlier rounds."""
    memories = (field.memory for field in profile.fields if field.memory is not None)
    return tuple(column for memory in memories for column in MEMORY_COLUMNS[memory])


def _refuse_repeats(names: list[str], what: str) -> None:
    if len(set(names)) != len(names):
        raise ValueError(f"the {what} of a profile must have different names")
