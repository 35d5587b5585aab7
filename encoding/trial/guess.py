"""What the columns of a file mean, guessed by its first row and held against its cells; no cell is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from encoding.errors import (
    CellError,
    ConfigError,
    FormulaCellError,
    HeaderMissingError,
    TokensError,
    TooFewColumnsError,
)
from encoding.profiles.column_words import columns_by_header, loose, record_id_columns
from encoding.quality.cells import kinds_of
from encoding.recipe.cells import CellReader
from encoding.recipe.date_guess import DateGuess, are_years, guess_dates
from encoding.recipe.dates import read_date_format
from encoding.recipe.spec import read_spec
from encoding.recipe.tables import load_tables
from encoding.records import Table, open_table
from encoding.records.text_guess import guess_delimiter, guess_encoding
from encoding.records.xlsx_table import XlsxTable
from encoding.trial.layout import Layout, LayoutSection
from schemas.linkage.fields import NUMBER_INPUTS
from schemas.linkage.profile import EncodingProfile

RECORD_ID: Final = "record ID"
_ROWS: Final = 10_000
# Of the cells that are not empty so many must say what the header promises.
_FITS: Final = 0.5
_SURE: Final = 0.8
_EXAMPLES: Final[Mapping[str, str]] = {
    "first_name": "First Name", "middle_name": "Middle Name", "last_name": "Last Name", "suffix": "Suffix",
    "birth_date": "Date of Birth", "sex": "Sex", "zip": "ZIP", "alias_first": "Other First Name",
    "alias_last": "Other Last Name", "student_id": "State Student ID",
}  # fmt: skip
_WHOLE_NAMES: Final = frozenset({"name", "fullname", "studentname", "childname", "clientname"})
# The columns of a file of OpenLinkToken: of each record and rule a keyed hash of exact values.
_OF_TOKENS: Final = frozenset({"recordid", "ruleid", "token"})
# A record may stand on several rows; what is a name, a class or a household stands on many.
_FEWEST_DISTINCT, _DISTINCT = 0.5, 0.99
_FEWEST_COLUMNS: Final = 3
_MOST_SEXES: Final = 8
# ZIP codes and numbers of people; a column may be called 1 or 12.
_FEWEST_DIGITS: Final = 5

WORDS: Final[Mapping[str, str]] = {
    "first_name": "first name",
    "middle_name": "middle name",
    "last_name": "last name",
    "suffix": "suffix, such as Jr",
    "birth_date": "date of birth",
    "sex": "sex",
    "zip": "ZIP code",
    "alias_first": "other first name",
    "alias_last": "other last name",
    "student_id": "state student ID",
    "case_number": "case number",
    "ssn": "Social Security number",
}
"""What each input is called where people read it."""

Cells = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One column, what it means, and the part of the rows looked at of which that could be read."""

    header: str
    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file cannot be linked as it stands; `remedy` is null where naming the right column mends it."""

    sentence: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """How a file is read, and how far that fits its first rows.

    Attributes:
        layout: as guessed, or as its owner wrote it.
        meanings: columns that are used, the record ID first.
        faults: why the file cannot be linked as it stands; empty where it can.
        dates: the format of the dates of birth; None where there is no such column.
        outside: part of the dates that can be read which the profile's years leave out.
        n_rows: rows that were looked at.
        unused: columns without a meaning; none where these may be no names of columns.
    """

    layout: Layout
    meanings: tuple[Meaning, ...]
    faults: tuple[Fault, ...]
    dates: DateGuess | None
    outside: float
    n_rows: int
    unused: tuple[str, ...]

    @property
    def missing(self) -> dict[str, str]:
        """The usual inputs that no column stands for, each with an example of a header."""
        return {name: one for name, one in _EXAMPLES.items() if name not in self.layout.columns}


def guess_file(
    path: Path,
    profile: EncodingProfile,
    today: date,
    given: Layout | None = None,
    table: Table | None = None,
) -> Guess:
    """Guess how a file is read.

    Args:
        path: CSV, XLSX or Parquet.
        profile: whose recipe reads the cells.
        today: nobody is born later.
        given: what its owner wrote down, in place of guessing; None: nothing.
        table: its rows, where they are in memory; None: the file is opened.
    Raises:
        InputError: the file cannot be read, has no header, or a column that `given` names is not in it.
        ConfigError: `given` names an input that no recipe has.
    """
    unread = LayoutSection() if table is not None else None
    reading = given.input if given else unread or guess_reading(path)
    table = table or open_table(
        path, encoding=reading.encoding, delimiter=reading.delimiter, sheet=reading.sheet
    )
    if given is None:
        _refuse_what_is_no_table(table, today)
        cells = _first_rows(table)
    else:
        _refuse_unknown_inputs(given)
        named = [*given.columns.values(), *filter(None, [given.input.id_column])]
        cells = next(iter(table.select(named).chunks(_ROWS))).columns
    looked = _Looked(path.name, cells, profile, today)
    columns = dict(given.columns) if given else looked.columns(table.columns)
    dates = looked.dates(columns, reading.date_format)
    date_format = dates.format if dates else None
    id_column = given.input.id_column if given else looked.record_id(table.columns)
    section = reading.model_copy(update={"id_column": id_column, "date_format": date_format})
    used = {id_column, *columns.values()}
    # Where no word is one of a header, the first row may be someone all the same: it is not written down.
    is_header = len(columns_by_header(table.columns)) > 1
    return Guess(
        Layout(input=section, columns=columns),
        tuple(looked.meanings(columns, id_column, date_format)),
        tuple(looked.faults(columns, table.columns, dates)),
        dates,
        looked.outside(columns, date_format),
        looked.n_rows,
        tuple(column for column in table.columns if column not in used and is_header),
    )


def guess_reading(path: Path) -> LayoutSection:
    """Return how the text of a file is written; of a workbook or Parquet file nothing is to be said."""
    if path.suffix.lower() in (".xlsx", ".xlsm", ".parquet", ".pq"):
        return LayoutSection()
    encoding = guess_encoding(path)
    return LayoutSection(encoding=encoding, delimiter=guess_delimiter(path, encoding))


def _refuse_unknown_inputs(given: Layout) -> None:
    for name in given.columns:
        if name not in WORDS:
            raise ConfigError(
                f"the section [columns] of the layout names {name}, which the recipe does not have",
                hint=f"it has: {', '.join(WORDS)}",
            )


def _refuse_what_is_no_table(table: Table, today: date) -> None:
    names = load_tables().given_names
    # Among names of columns such a word may stand as well, as of a month or of a day of school.
    is_header = len(columns_by_header(table.columns)) >= _FEWEST_COLUMNS
    if not is_header and any(
        column.upper() in names or _is_cell(column, today) for column in table.columns
    ):
        # Not which: it would be someone's.
        raise HeaderMissingError(
            f"the first row of {table.path} looks like a person, not like names of columns",
            hint="put a row with the names of the columns above it, such as: ID,First,Last,DOB",
        )
    if _OF_TOKENS.issubset(map(loose, table.columns)):
        raise TokensError(
            f"{table.path} holds tokens of OpenLinkToken: no name and no date can be read from them",
            hint="take the file of people from which they were made",
        )
    if len(table.columns) < _FEWEST_COLUMNS:
        only = "only one column" if len(table.columns) == 1 else "only two columns"
        raise TooFewColumnsError(
            f"{table.path} has {only}; a first name, a last name and a date of birth are needed",
            hint=_where_columns_are(table),
        )


def _where_columns_are(table: Table) -> str:
    if isinstance(table, XlsxTable):
        return (
            f"its sheets are {', '.join(table.sheets)}: move the one with the people to the front"
        )
    return "if the columns are there, something other than , ; | or a tab separates them: save the file as CSV"


def _is_cell(column: str, today: date) -> bool:
    is_number = column.isdecimal() and len(column) >= _FEWEST_DIGITS
    return is_number or guess_dates([column], today).n_read == 1


def _first_rows(table: Table) -> Cells:
    try:
        return next(iter(table.chunks(_ROWS))).columns
    except (CellError, FormulaCellError):
        # In a workbook a formula may stand in a column that nobody needs.
        found = [column for some in columns_by_header(table.columns).values() for column in some]
        found += [column for column, _ in record_id_columns(table.columns)]
        return next(iter(table.select(found).chunks(_ROWS))).columns


class _Looked:
    """The first rows of a file, and what they say about its columns."""

    def __init__(self, name: str, cells: Cells, profile: EncodingProfile, today: date) -> None:
        self._name, self._cells, self._today = name, cells, today
        self._years = read_spec(profile.recipe).birth_years
        self._tables = load_tables()
        self.n_rows = len(next(iter(cells.values()), []))

    def columns(self, header: Sequence[str]) -> dict[str, str]:
        """Return the header of each input: of those that may be it, the first whose cells fit."""
        found: dict[str, str] = {}
        for name, candidates in columns_by_header(header).items():
            free = [one for one in candidates if one not in found.values()]
            fitting = [one for one in free if self._fits(name, one)]
            if fitting:
                found[name] = fitting[0]
            elif free and name == "birth_date":
                # It is said below what is wrong with it.
                found[name] = free[0]
        self._by_cells(found, header)
        return {name: found[name] for name in WORDS if name in found}

    def _by_cells(self, found: dict[str, str], header: Sequence[str]) -> None:
        """Add what no header tells and one column alone looks like."""
        rest = [one for one in header if one in self._cells and one not in found.values()]
        dates = [one for one in rest if guess_dates(self._cells[one], self._today).share > _SURE]
        if "birth_date" not in found and len(dates) == 1:
            found["birth_date"] = dates[0]
        sexes = [one for one in rest if self._are_sexes(self._cells[one])]
        if "sex" not in found and len(sexes) == 1:
            found["sex"] = sexes[0]

    def _are_sexes(self, cells: Sequence[str]) -> bool:
        distinct = set(filter(None, cells))
        is_code = 2 <= len(distinct) <= _MOST_SEXES and not all(map(str.isdigit, distinct))
        return is_code and self._share("sex", cells, None) > _SURE

    def _fits(self, name: str, column: str) -> bool:
        cells = [cell for cell in self._cells.get(column, ()) if cell]
        if name == "birth_date":
            return guess_dates(cells, self._today).share >= _FITS
        # An empty column says nothing against its header.
        return not cells or self._share(name, cells, None) >= _FITS

    def _share(self, name: str, cells: Sequence[str], date_format: str | None) -> float:
        """Return the part of some cells that can be read as an input."""
        if not cells:
            return 0.0
        kind = next((kind for kind, one in NUMBER_INPUTS.items() if one == name), None)
        reader = CellReader(self._tables, self._years, kind)
        read = reader.read({name: cells}, len(cells), read_date_format(date_format or "YYYYMMDD"))
        return kinds_of(name, cells, read, self._tables).count("fine") / len(cells)

    def record_id(self, header: Sequence[str]) -> str | None:
        """Return the column of the record IDs; None where there is none."""
        for column, is_sure in record_id_columns(header):
            distinct = {cell for cell in self._cells.get(column, ()) if cell}
            if len(distinct) >= (_FEWEST_DISTINCT if is_sure else _DISTINCT) * self.n_rows:
                return column
        return None

    def dates(self, columns: Mapping[str, str], given: str | None) -> DateGuess | None:
        """Return how the dates of birth are written; None where there is no such column."""
        cells = self._cells.get(columns.get("birth_date", ""))
        if cells is None:
            return None
        if given is None:
            return guess_dates(cells, self._today)
        filled = list(filter(None, cells))
        n_read = sum(read_date_format(given).parse(cell) is not None for cell in filled)
        return DateGuess(given, None, n_read, len(filled))

    def meanings(
        self, columns: Mapping[str, str], id_column: str | None, date_format: str | None
    ) -> Iterable[Meaning]:
        """Yield what each used column means."""
        if id_column is not None:
            cells = self._cells[id_column]
            yield Meaning(id_column, RECORD_ID, sum(map(bool, cells)) / max(1, len(cells)))
        for name, column in columns.items():
            yield Meaning(column, name, self._share(name, self._cells[column], date_format))

    def outside(self, columns: Mapping[str, str], date_format: str | None) -> float:
        """Return the part of the dates whose year the profile does not take."""
        if date_format is None or "birth_date" not in columns:
            return 0.0
        found = map(read_date_format(date_format).parse, self._cells[columns["birth_date"]])
        years = [day.year for day in found if day is not None]
        n_outside = sum(not self._years[0] <= year <= self._years[1] for year in years)
        return n_outside / len(years) if years else 0.0

    def faults(
        self, columns: Mapping[str, str], header: Sequence[str], dates: DateGuess | None
    ) -> Iterable[Fault]:
        """Yield why the file cannot be linked as it stands."""
        for name in ("first_name", "last_name"):
            if name not in columns:
                said = f"no column of {self._name} looks like the {WORDS[name]}"
                yield Fault(said, self._split(header))
        cells = () if dates is None else self._cells[columns["birth_date"]]
        years = [one for one in header if are_years(self._cells.get(one, ()), self._today)]
        if are_years(cells, self._today) or (dates is None and len(years) == 1):
            column = columns.get("birth_date", years[0])
            yield Fault(
                f"column {column} of {self._name} holds years of birth alone",
                "put the whole date of birth there: records are found by it",
            )
        elif dates is None:
            yield Fault(f"no column of {self._name} looks like the date of birth")
        elif dates.share < _FITS:
            yield Fault(
                f"column {columns['birth_date']} of {self._name} holds no dates that can be read",
                "write day, month and a year of four digits, such as 4/9/2011",
            )

    def _split(self, header: Sequence[str]) -> str | None:
        whole = [one for one in header if loose(one) in _WHOLE_NAMES]
        return f"split {whole[0]} into a first and a last name" if whole else None
