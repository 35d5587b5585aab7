"""Version 1 of the recipe as an encoding profile holds it; gone with the last profile that names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from encoding.errors import RecipeError
from encoding.recipe.spec import Digest, Year
from encoding.recipe.tables import load_tables
from encoding.recipe.text import transliteration_digest
from encoding.recipe.v1_derived import DERIVED_COLUMNS
from encoding.recipe.v1_variants import VARIANT_KINDS
from schemas.document import Document, Model
from schemas.errors import DocumentError

V1: Final = "blindlink-recipe/1"


class V1Variants(Model):
    """Which variants a record gets, in order of preference, and how many at most, itself included."""

    kinds: tuple[str, ...]
    cap: Annotated[int, Field(ge=1, le=32)]

    @model_validator(mode="after")
    def _kinds_are_known(self) -> Self:
        if len(set(self.kinds)) != len(self.kinds) or not set(self.kinds) <= VARIANT_KINDS.keys():
            raise ValueError("each kind of variant is one of those of the recipe, named once")
        return self


class V1Spec(Document):
    """Version 1 of the cleaning rules: the fixed steps of docs/recipe.md, with these settings.

    `tables` and `transliteration` are digests of the word lists and of the transliteration: both agencies
    must clean alike. `birth_years` are the first and last year of birth that are taken. `salt` makes every
    token depend on the year of birth too: records of different years then have nothing in common.
    """

    KIND: ClassVar[str] = "recipe"

    version: Literal["blindlink-recipe/1"]
    tables: Digest
    transliteration: Digest
    birth_years: tuple[Year, Year]
    salt: Literal["none", "birth-year"]
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    variants: V1Variants

    @model_validator(mode="after")
    def _columns_and_years_make_sense(self) -> Self:
        if (
            len(set(self.columns)) != len(self.columns)
            or not set(self.columns) <= DERIVED_COLUMNS.keys()
        ):
            raise ValueError("each derived column is one of those of the recipe, named once")
        if self.birth_years[0] > self.birth_years[1]:
            raise ValueError("the first year of birth is after the last")
        return self


def read_v1_spec(spec: Mapping[str, Any]) -> V1Spec:
    """Return the recipe's rules.

    Raises:
        RecipeError: not version 1, malformed, or made with other word lists or another transliteration.
    """
    try:
        read = V1Spec.from_json(dict(spec))
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
    return read
