"""Version 1 of the rules: rows in, derived columns and variants out; goes with the last profile of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from encoding.problems import RowProblem
from encoding.recipe.cells import CellColumns, CellReader, change_counts
from encoding.recipe.dates import DateFormat
from encoding.recipe.derived import Derived
from encoding.recipe.tables import load_tables
from encoding.recipe.v1_derived import DERIVED_COLUMNS, BirthDate, Identity, salted
from encoding.recipe.v1_spec import V1Spec
from encoding.recipe.v1_variants import NameCells, Names, name_variants


class V1Cleaning:
    """Cleans rows by the rules of a recipe of version 1; what it remembers is bounded."""

    def __init__(self, spec: V1Spec) -> None:
        self.spec = spec
        self._tables = load_tables()
        self._reader = CellReader(self._tables, spec.birth_years)
        self._forms = tuple((name, DERIVED_COLUMNS[name]) for name in spec.columns)

    def clear(self) -> None:
        """Forget every cell that was cleaned."""
        self._reader.clear()

    def derive(
        self,
        columns: Mapping[str, Sequence[str]],
        n_rows: int,
        date_format: DateFormat,
        first_row: int,
    ) -> Derived:
        """Return the derived columns of each row that can be used and of its variants."""
        cells = self._reader.read(columns, n_rows, date_format)
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
        return Derived(derived, row_of, problems, change_counts(columns, cells))

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
        birth = cells.birth[index]
        if birth.birth is None:
            fault = birth.fault or "missing, and required"
            yield RowProblem(first_row + index, "birth_date", fault)
        if cells.sex[index].fault:
            yield RowProblem(first_row + index, "sex", cells.sex[index].fault)
