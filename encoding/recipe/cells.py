"""Reads the cells of each input column, every distinct one once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from encoding.recipe.dates import DateFormat
from encoding.recipe.memo import Remembered
from encoding.recipe.names import (
    GivenName,
    Surname,
    read_given_name,
    read_middle_names,
    read_suffix,
    read_surname,
)
from encoding.recipe.numbers import read_number, read_zip
from encoding.recipe.tables import Tables
from encoding.recipe.text import words
from schemas.linkage.fields import NUMBER_INPUTS, NumberKind

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of one known form: its cleaned text, and the rule it breaks, if any."""

    text: str
    fault: str = ""


_NOTHING = Cell("")


@dataclass(frozen=True, slots=True)
class BirthCell:
    """A date of birth as YYYYMMDD; empty because the cell breaks a rule, or because it is unknown."""

    birth: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class CellColumns:
    """The cells of some rows, read; all lists of one length."""

    given: list[GivenName]
    middle: list[Cell]
    surname: list[Surname]
    suffix: list[Cell]
    birth: list[BirthCell]
    sex: list[Cell]
    zip: list[Cell]
    number: list[Cell]
    alias_given: list[GivenName]
    alias_surname: list[Surname]


class CellReader:
    """Reads columns by the recipe's word lists and remembers distinct cells, in bounded memory.

    Args:
        tables: the word lists.
        birth_years: the first and last year of birth that are taken.
        number: the kind of known number that is read; None: none is.
    """

    def __init__(
        self, tables: Tables, birth_years: tuple[int, int], number: NumberKind | None = None
    ) -> None:
        self._birth_years, self._number_kind = birth_years, number
        self._tables = tables
        self._given = Remembered[str, GivenName](lambda raw: read_given_name(raw, tables))
        self._middle = Remembered[str, Cell](lambda raw: Cell(read_middle_names(raw, tables)))
        self._surname = Remembered[str, Surname](lambda raw: read_surname(raw, tables))
        self._suffix = Remembered[str, Cell](lambda raw: Cell(read_suffix(raw, tables)))
        self._sex = Remembered[str, Cell](lambda raw: read_sex(raw, tables))
        self._zip = Remembered[str, Cell](lambda raw: Cell(read_zip(raw)))
        self._births: dict[str, Remembered[str, BirthCell]] = {}

    def clear(self) -> None:
        """Forget every cell that was read."""
        self._given.clear()
        self._surname.clear()
        for remembered in (self._middle, self._suffix, self._sex, self._zip):
            remembered.clear()
        self._births.clear()

    def read(
        self, columns: Mapping[str, Sequence[str]], n_rows: int, date_format: DateFormat
    ) -> CellColumns:
        """Return the cells of all inputs; an input that is not there is empty in every row."""

        def column(name: str, remembered: Remembered[str, _T]) -> list[_T]:
            if name not in columns:
                return [remembered[""]] * n_rows
            return [remembered[cell] for cell in columns[name]]

        births = self._births.setdefault(
            date_format.text,
            Remembered[str, BirthCell](
                lambda raw: read_birth(raw, date_format, self._birth_years, self._tables)
            ),
        )
        return CellColumns(
            given=column("first_name", self._given),
            middle=column("middle_name", self._middle),
            surname=column("last_name", self._surname),
            suffix=column("suffix", self._suffix),
            birth=column("birth_date", births),
            sex=column("sex", self._sex),
            zip=column("zip", self._zip),
            number=self._numbers(columns, n_rows),
            alias_given=column("alias_first", self._given),
            alias_surname=column("alias_last", self._surname),
        )

    def _numbers(self, columns: Mapping[str, Sequence[str]], n_rows: int) -> list[Cell]:
        # Hardly two are the same: nothing would be gained by remembering them.
        kind = self._number_kind
        raws = () if kind is None else columns.get(NUMBER_INPUTS[kind], ())
        if kind is None or not raws:
            return [_NOTHING] * n_rows
        return [Cell(read_number(raw, kind)) for raw in raws]


def read_sex(raw: str, tables: Tables) -> Cell:
    """Return F, M, or nothing for a code that compares with no other (unknown, nonbinary).

    Of an Ed-Fi descriptor (uri://ed-fi.org/SexDescriptor#Female) the part after the sign counts.
    """
    code = "".join(words(raw.rpartition("#")[2]))
    if code in tables.sexes:
        return Cell(tables.sexes[code])
    return Cell(
        "", "" if not code or code in tables.no_sex else "not a sex code that the recipe knows"
    )


def read_birth(
    raw: str, date_format: DateFormat, years: tuple[int, int], tables: Tables
) -> BirthCell:
    """Return the date of birth; a date that stands for "unknown" is none, which is no fault."""
    text = raw.strip()
    digits = "".join(character for character in text if character.isalnum())
    if not digits or set(digits) <= {"0"} or set(digits) <= {"9"}:
        return BirthCell("")
    birth = date_format.parse(text)
    if birth is None:
        if "".join(words(raw)) in tables.name_placeholders:
            return BirthCell("")
        return BirthCell("", f"not a date in the format {date_format.text}")
    if birth in tables.birth_placeholders:
        return BirthCell("")
    if not years[0] <= birth.year <= years[1]:
        return BirthCell("", f"a year of birth outside {years[0]} to {years[1]}")
    return BirthCell(f"{birth.year:04d}{birth.month:02d}{birth.day:02d}")
