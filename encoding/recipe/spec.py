"""The recipe as the encoding profile holds it: what is hashed, and what must agree with this program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from encoding.errors import RecipeError
from encoding.recipe.columns import DERIVED_COLUMNS
from encoding.recipe.numbers import NUMBER_COLUMN
from encoding.recipe.spellings import ALIAS_KINDS
from encoding.recipe.tables import load_tables
from encoding.recipe.text import phonetic_digest, transliteration_digest
from schemas.documents.document import Document, Model
from schemas.documents.errors import DocumentError
from schemas.linkage.fields import NumberKind

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Year = Annotated[int, Field(ge=1000, le=9999)]


class Variants(Model):
    """Which aliases a record gets, in order of preference, and how many spellings it has at most."""

    kinds: tuple[str, ...]
    cap: Annotated[int, Field(ge=1, le=32)]

    @model_validator(mode="after")
    def _kinds_are_known(self) -> Self:
        if len(set(self.kinds)) != len(self.kinds) or not set(self.kinds) <= ALIAS_KINDS.keys():
            raise ValueError("each kind of alias is one of those of the recipe, named once")
        return self


class RecipeSpec(Document):
    """Version 2 of the cleaning rules: the fixed steps of docs/recipe.md, with these settings.

    `tables`, `transliteration` and `phonetic` are digests of the word lists, of the transliteration and of
    the phonetic codes: both agencies must clean alike. `birth_years` are the first and last year of birth
    that are taken. `number` is what the column `number` is made of; without it there is none.
    """

    KIND: ClassVar[str] = "recipe"

    version: Literal["blindlink/recipe/2"]
    tables: Digest
    transliteration: Digest
    phonetic: Digest
    birth_years: tuple[Year, Year]
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    variants: Variants
    number: Annotated[NumberKind | None, Field(exclude_if=lambda kind: kind is None)] = None

    @model_validator(mode="after")
    def _columns_and_years_make_sense(self) -> Self:
        if (NUMBER_COLUMN in self.columns) != (self.number is not None):
            raise ValueError("the column number needs the kind of number, and nothing else does")
        for name in self.columns:
            if name not in (*DERIVED_COLUMNS, NUMBER_COLUMN):
                raise ValueError(f"the recipe makes no column {name[:40]!r}")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("a derived column is named twice")
        if self.birth_years[0] > self.birth_years[1]:
            raise ValueError("the first year of birth is after the last")
        return self


def read_spec(spec: Mapping[str, Any]) -> RecipeSpec:
    """Return the recipe's rules.

    Raises:
        RecipeError: not version 2, malformed, or made with other word lists, another transliteration or
            other phonetic codes.
    """
    try:
        read = RecipeSpec.from_json(dict(spec))
    except DocumentError as exc:
        raise RecipeError(str(exc)) from None
    if read.tables != load_tables().digest:
        raise RecipeError(
            "the recipe was made with other word lists than this program carries",
            hint="both agencies must run the version that the encoding profile was made with",
        )
    if read.transliteration != transliteration_digest():
        raise RecipeError(
            "the recipe was made with another transliteration than this machine has",
            hint="install the version of the anyascii package that blindlink pins",
        )
    if read.phonetic != phonetic_digest():
        raise RecipeError(
            "the recipe was made with other phonetic codes than this machine makes",
            hint="install the version of the jellyfish package that blindlink pins",
        )
    return read
