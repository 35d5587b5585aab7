"""Version 2 of the rules: rows in, derived columns out, column by column and each distinct value once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from operator import itemgetter

from encoding.problems import RowProblem
from encoding.recipe.cells import CellColumns, CellReader
from encoding.recipe.columns import (
    COLUMNS_OF,
    Forms,
    Source,
    birth_forms,
    canonical_names,
    first_name_forms,
    surname_forms,
    zip_forms,
)
from encoding.recipe.dates import DateFormat
from encoding.recipe.memo import Remembered
from encoding.recipe.numbers import NUMBER_COLUMN
from encoding.recipe.spec import RecipeSpec
from encoding.recipe.spellings import Spelling, find_aliases, may_have_aliases
from encoding.recipe.tables import load_tables


@dataclass(frozen=True, slots=True)
class Derived:
    """What the recipe made of some rows.

    Attributes:
        columns: the derived columns, all of one length: the main spelling of a row and its aliases after each
            other, the main one first. A row with a problem is not there.
        row_of: index of the input row, from 0, that each derived row came from.
        problems: cells that keep their row from being encoded, by row, then in the order of the inputs.
    """

    columns: Mapping[str, list[str]]
    row_of: list[int]
    problems: tuple[RowProblem, ...]


class Cleaning:
    """Cleans rows by the rules of a recipe; what it remembers is bounded."""

    def __init__(self, spec: RecipeSpec) -> None:
        self._variants = spec.variants
        self._columns = spec.columns
        self._tables = load_tables()
        canonical_of = canonical_names(self._tables)
        self._reader = CellReader(self._tables, spec.birth_years, spec.number)
        self._first = Remembered[str, Forms](lambda first: first_name_forms(first, canonical_of))
        self._surname = Remembered[tuple[str, ...], Forms](surname_forms)
        self._birth = Remembered[str, Forms](birth_forms)
        self._zip = Remembered[str, Forms](zip_forms)

    def clear(self) -> None:
        """Forget every value that was cleaned."""
        self._reader.clear()
        self._first.clear()
        self._surname.clear()
        self._birth.clear()
        self._zip.clear()

    def derive(
        self,
        columns: Mapping[str, Sequence[str]],
        n_rows: int,
        date_format: DateFormat,
        first_row: int,
    ) -> Derived:
        """Return the derived columns of each row that can be used and of its aliases."""
        cells = self._reader.read(columns, n_rows, date_format)
        problems = _problems(cells, first_row)
        unusable = {problem.row - first_row for problem in problems}
        row_of, placed = _lay_out(n_rows, unusable, self._aliases(cells))
        made = _texts(cells, row_of)
        for source, forms in self._forms(cells, row_of, placed).items():
            for place, name in enumerate(COLUMNS_OF[source]):
                if name in self._columns:
                    made[name] = list(map(itemgetter(place), forms))
        ordered = {name: made[name] for name in self._columns}
        return Derived(ordered, row_of, problems)

    def _aliases(self, cells: CellColumns) -> dict[int, tuple[Spelling, ...]]:
        """Return the aliases of each row that has any."""
        tables, variants = self._tables, self._variants
        names = zip(cells.given, cells.surname, cells.alias_given, cells.alias_surname, strict=True)
        found = {
            row: find_aliases(own_and_other, variants.kinds, variants.cap, tables)
            for row, own_and_other in enumerate(names)
            if may_have_aliases(own_and_other, tables)
        }
        return {row: aliases for row, aliases in found.items() if aliases}

    def _forms(
        self, cells: CellColumns, row_of: Sequence[int], aliases: Mapping[int, Spelling]
    ) -> dict[Source, list[Forms]]:
        """Return what each value of each derived row is written as; an alias differs in its names alone."""
        births = [cell.birth for cell in cells.birth]
        firsts = [cells.given[row].first for row in row_of]
        pairs = [cells.surname[row].pair for row in row_of]
        for place, (first, pair) in aliases.items():
            firsts[place], pairs[place] = first, pair
        return {
            "first_name": [self._first[first] for first in firsts],
            "surname": [self._surname[pair] for pair in pairs],
            "birth_date": [self._birth[births[row]] for row in row_of],
            "zip": [self._zip[cells.zip[row].text] for row in row_of],
        }


def _texts(cells: CellColumns, row_of: Sequence[int]) -> dict[str, list[str]]:
    """Return the columns that hold one cleaned text as it is."""
    initials = [
        (given.rest or middle.text)[:1]
        for given, middle in zip(cells.given, cells.middle, strict=True)
    ]
    suffixes = [
        suffix.text or surname.suffix or given.suffix
        for suffix, surname, given in zip(cells.suffix, cells.surname, cells.given, strict=True)
    ]
    return {
        "sex": [cells.sex[row].text for row in row_of],
        "middle_initial": [initials[row] for row in row_of],
        "suffix": [suffixes[row] for row in row_of],
        NUMBER_COLUMN: [cells.number[row].text for row in row_of],
    }


def _lay_out(
    n_rows: int, unusable: Set[int], aliases: Mapping[int, tuple[Spelling, ...]]
) -> tuple[list[int], dict[int, Spelling]]:
    """Return the row of each derived row, and the aliases by their places among them."""
    row_of: list[int] = []
    placed: dict[int, Spelling] = {}
    start = 0
    for row in sorted(unusable | aliases.keys()):
        row_of += range(start, row)
        start = row + 1
        if row in unusable:
            continue
        row_of.append(row)
        for alias in aliases.get(row, ()):
            placed[len(row_of)] = alias
            row_of.append(row)
    row_of += range(start, n_rows)
    return row_of, placed


def _problems(cells: CellColumns, first_row: int) -> tuple[RowProblem, ...]:
    """Return why rows cannot be used, by row, then by column."""
    names = zip(cells.given, cells.surname, strict=True)
    found = [
        (row, "last_name", "first and last name are both missing")
        for row, (given, surname) in enumerate(names)
        if not (given.first or surname.pair)
    ]
    found += [(row, "birth_date", cell.fault) for row, cell in enumerate(cells.birth) if cell.fault]
    found += [(row, "sex", cell.fault) for row, cell in enumerate(cells.sex) if cell.fault]
    # Sorting keeps the order of the columns within a row.
    found.sort(key=itemgetter(0))
    return tuple(RowProblem(first_row + row, column, rule) for row, column, rule in found)
