"""The cleaning recipe: the agency's columns in, derived columns and variants out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, ne
from types import MappingProxyType
from typing import Any

from encoding.errors import ColumnLengthError, MissingColumnError
from encoding.problems import RowProblem
from encoding.recipe.cells import CellColumns, CellReader, HasText
from encoding.recipe.dates import read_date_format
from encoding.recipe.derived import DERIVED_COLUMNS, BirthDate, Identity, salted
from encoding.recipe.spec import RecipeSpec, read_spec
from encoding.recipe.tables import load_tables
from encoding.recipe.variants import NameCells, Names, name_variants

INPUTS = MappingProxyType({
    "first_name": True, "middle_name": False, "last_name": True, "suffix": False, "birth_date": True,
    "sex": False, "alias_first": False, "alias_last": False,
})  # fmt: skip
"""Canonical input columns, and whether a file must have them."""


@dataclass(frozen=True, slots=True)
class Derived:
    """What the recipe made of some rows.

    Attributes:
        columns: the derived columns, all of one length: a row and its variants after each other, the row
            itself first. A row with a problem is not there.
        row_of: index of the input row, from 0, that each derived row came from.
        problems: cells that keep their row from being encoded, by row, then in the order of the inputs.
        change_counts: input column to the number of its cells that cleaning changed, dates left out.
    """

    columns: Mapping[str, list[str]]
    row_of: list[int]
    problems: tuple[RowProblem, ...]
    change_counts: Mapping[str, int]


class Recipe:
    """One version of the cleaning rules, as the encoding profile holds it.

    Attributes:
        spec: the rules.
        inputs: canonical input columns that the recipe can read.
        required: those that every file must have.
    """

    def __init__(self, spec: RecipeSpec) -> None:
        self.spec = spec
        self.inputs = tuple(INPUTS)
        self.required = tuple(name for name, is_required in INPUTS.items() if is_required)
        self._tables = load_tables()
        self._reader = CellReader(self._tables, spec.birth_years)
        self._forms = tuple((name, DERIVED_COLUMNS[name]) for name in spec.columns)

    @classmethod
    def load(cls, spec: Mapping[str, Any]) -> Recipe:
        """Return the recipe that an encoding profile holds.

        Raises:
            RecipeError: not a recipe of a version that this program knows, or its word lists or its
                transliteration differ from this program's.
        """
        return cls(read_spec(spec))

    def clear(self) -> None:
        """Forget every cell that was cleaned: what is remembered is as sensitive as the rows."""
        self._reader.clear()

    def derive(
        self, columns: Mapping[str, Sequence[str]], *, date_format: str, first_row: int = 1
    ) -> Derived:
        """Clean some rows and return the derived columns of each and of its variants.

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
        n_rows = self._check(columns)
        cells = self._reader.read(columns, n_rows, read_date_format(date_format))
        problems = tuple(_problems(cells, n_rows, first_row))
        unusable = {problem.row - first_row for problem in problems}
        identities: list[Identity] = []
        row_of: list[int] = []
        for index in range(n_rows):
            birth = cells.birth[index].birth
            if birth is None or index in unusable:
                continue
            for first, last in self._names(cells, index):
                identities.append(_identity(cells, index, first, last, birth))
                row_of.append(index)
        derived = {name: [form(i) for i in identities] for name, form in self._forms}
        if self.spec.salt == "birth-year":
            births = [identity.birth for identity in identities]
            derived = {name: list(map(salted, column, births)) for name, column in derived.items()}
        return Derived(derived, row_of, problems, _change_counts(columns, cells))

    def _check(self, columns: Mapping[str, Sequence[str]]) -> int:
        for name in self.required:
            if name not in columns:
                raise MissingColumnError(f"the recipe needs the column {name}, which is missing")
        lengths = {len(columns[name]) for name in self.inputs if name in columns}
        if len(lengths) != 1:
            raise ColumnLengthError("the columns do not all have the same number of rows")
        return lengths.pop()

    def _names(self, cells: CellColumns, index: int) -> Sequence[Names]:
        given, surname = cells.given[index], cells.surname[index]
        names = NameCells(given, surname, cells.alias_given[index], cells.alias_surname[index])
        variants = self.spec.variants
        return name_variants(names, variants.kinds, variants.cap, self._tables)


def _identity(cells: CellColumns, index: int, first: str, last: str, birth: BirthDate) -> Identity:
    middle = cells.given[index].rest or cells.middle[index].text
    suffix = cells.suffix[index].text or cells.surname[index].suffix
    return Identity(first, last, middle, suffix, birth, cells.sex[index].text)


def _problems(cells: CellColumns, n_rows: int, first_row: int) -> Iterator[RowProblem]:
    for index in range(n_rows):
        if not cells.given[index].first and not cells.surname[index].words:
            yield RowProblem(first_row + index, "last_name", "first and last name are both missing")
        if cells.birth[index].fault:
            yield RowProblem(first_row + index, "birth_date", cells.birth[index].fault)
        if cells.sex[index].fault:
            yield RowProblem(first_row + index, "sex", cells.sex[index].fault)


def _change_counts(columns: Mapping[str, Sequence[str]], cells: CellColumns) -> dict[str, int]:
    cleaned: dict[str, Sequence[HasText]] = {
        "first_name": cells.given, "middle_name": cells.middle, "last_name": cells.surname,
        "suffix": cells.suffix, "sex": cells.sex,
        "alias_first": cells.alias_given, "alias_last": cells.alias_surname,
    }  # fmt: skip
    return {
        name: sum(map(ne, columns[name], map(attrgetter("text"), read)))
        for name, read in cleaned.items()
        if name in columns
    }
