"""The cleaning recipe: the agency's columns in, derived columns out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from encoding.errors import ColumnLengthError, MissingColumnError
from encoding.recipe.cleaning import Cleaning, Derived
from encoding.recipe.dates import read_date_format
from encoding.recipe.spec import RecipeSpec, read_spec
from schemas.linkage.fields import NUMBER_INPUTS

INPUTS = MappingProxyType({
    "first_name": True, "middle_name": False, "last_name": True, "suffix": False, "birth_date": True,
    "sex": False, "zip": False, "alias_first": False, "alias_last": False,
})  # fmt: skip
"""Canonical input columns, and whether a file must have them."""


class Recipe:
    """One version of the cleaning rules, as the encoding profile holds it.

    Attributes:
        spec: the rules.
        inputs: canonical input columns that the recipe reads.
        required: those that every file must have.
    """

    def __init__(self, spec: RecipeSpec) -> None:
        self.spec = spec
        number = () if spec.number is None else (NUMBER_INPUTS[spec.number],)
        self.inputs = (*INPUTS, *number)
        self.required = tuple(name for name, is_required in INPUTS.items() if is_required)
        self._cleaning = Cleaning(spec)

    @classmethod
    def load(cls, spec: Mapping[str, Any]) -> Recipe:
        """Return the recipe that an encoding profile holds.

        Raises:
            RecipeError: not a recipe of version 2, or its word lists, its transliteration or its phonetic codes
                differ from this program's.
        """
        return cls(read_spec(spec))

    def clear(self) -> None:
        """Forget every cell that was cleaned: what is remembered is as sensitive as the rows."""
        self._cleaning.clear()

    def derive(
        self, columns: Mapping[str, Sequence[str]], *, date_format: str, first_row: int = 1
    ) -> Derived:
        """Clean some rows and return the derived columns of each and of its aliases.

        Args:
            columns: the cells of each canonical input, as text, all of one length; inputs that the file
                does not have are left out, other columns are not looked at.
            date_format: how this agency writes dates, such as MM/DD/YYYY.
            first_row: number of the first row, for the problems.
        Raises:
            MissingColumnError: a required input is not there.
            ColumnLengthError: the columns have different lengths.
            DateFormatError: the date format cannot be read.
        """
        for name in self.required:
            if name not in columns:
                raise MissingColumnError(f"the recipe needs the column {name}, which is missing")
        known = {name: columns[name] for name in self.inputs if name in columns}
        lengths = {len(cells) for cells in known.values()}
        if len(lengths) != 1:
            raise ColumnLengthError("the columns do not all have the same number of rows")
        return self._cleaning.derive(known, lengths.pop(), read_date_format(date_format), first_row)
