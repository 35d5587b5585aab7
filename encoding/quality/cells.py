"""Sorts the distinct cells of a column by what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from encoding.recipe.cells import BirthCell, Cell, CellColumns
from encoding.recipe.names import GivenName, Surname
from encoding.recipe.numbers import is_number_placeholder, zip_digits
from encoding.recipe.tables import Tables
from encoding.recipe.text import words
from schemas.linkage.fields import NUMBER_INPUTS

Kind = Literal["missing", "placeholder", "invalid", "fine"]

# U+FFFD stands for a byte that could not be read; a capital A with tilde or circumflex before a sign of the
# upper half of Latin-1 is how UTF-8 looks when it is read as Latin-1 or Windows-1252. Controls, and signs that
# are in no name, are what letters of DOS, of a Mac and the rest of UTF-8 look like there; so is a small letter
# before one of the last two capitals.
_GARBLED = re.compile(
    "[\ufffd\u0080-\u009f\u00a1-\u00a9\u00ac\u00ae\u00b1\u00b5\u00b6\u00bb-\u00bf\u0192\u02c6\u201a\u201e\u2020\u2021\u2030\u20ac\u2122]"
    "|[\u00c2\u00c3][\u0080-\u00bf\u0152-\u0178\u2013-\u2122]|[a-z][\u0178\u017d]"
)


def is_garbled(cell: str) -> bool:
    """Return whether a cell looks as if it was read in the wrong text encoding."""
    return not cell.isascii() and _GARBLED.search(cell) is not None


def given_kind(raw: str, given: GivenName) -> Kind:
    """Return the kind of a first-name cell."""
    return _named(raw, bool(given.first))


def surname_kind(raw: str, surname: Surname) -> Kind:
    """Return the kind of a last-name cell."""
    return _named(raw, bool(surname.words))


def middle_kind(raw: str, middle: Cell) -> Kind:
    """Return the kind of a middle-name cell."""
    return _named(raw, bool(middle.text))


def suffix_kind(raw: str, suffix: Cell, tables: Tables) -> Kind:
    """Return the kind of a suffix cell: one that the recipe does not know is invalid."""
    kind = _named(raw, bool(suffix.text))
    return "invalid" if kind == "placeholder" and not _says_unknown(raw, tables) else kind


def sex_kind(raw: str, sex: Cell) -> Kind:
    """Return the kind of a sex code."""
    return "invalid" if sex.fault else _named(raw, bool(sex.text))


def birth_kind(raw: str, birth: BirthCell) -> Kind:
    """Return the kind of a date of birth."""
    return "invalid" if birth.fault else _named(raw, bool(birth.birth))


def zip_kind(raw: str, cell: Cell, tables: Tables) -> Kind:
    """Return the kind of a ZIP code: words for "unknown" are placeholders, other letters invalid."""
    if cell.text or not raw:
        return _named(raw, bool(cell.text))
    return "placeholder" if zip_digits(raw) or _says_unknown(raw, tables) else "invalid"


def number_kind(raw: str, cell: Cell, tables: Tables) -> Kind:
    """Return the kind of a known number; words for "unknown" and made-up digits are placeholders."""
    if cell.text or not raw:
        return _named(raw, bool(cell.text))
    is_none = _says_unknown(raw, tables) or is_number_placeholder(raw)
    return "placeholder" if is_none else "invalid"


def kinds_of(name: str, raws: Sequence[str], cells: CellColumns, tables: Tables) -> list[Kind]:
    """Return the kind of each cell of one input of the recipe, which `cells` holds read."""
    read: Mapping[str, Callable[[], list[Kind]]] = {
        "first_name": lambda: list(map(given_kind, raws, cells.given)),
        "middle_name": lambda: list(map(middle_kind, raws, cells.middle)),
        "last_name": lambda: list(map(surname_kind, raws, cells.surname)),
        "suffix": lambda: [
            suffix_kind(*pair, tables) for pair in zip(raws, cells.suffix, strict=True)
        ],
        "birth_date": lambda: list(map(birth_kind, raws, cells.birth)),
        "sex": lambda: list(map(sex_kind, raws, cells.sex)),
        "zip": lambda: [zip_kind(*pair, tables) for pair in zip(raws, cells.zip, strict=True)],
        "alias_first": lambda: list(map(given_kind, raws, cells.alias_given)),
        "alias_last": lambda: list(map(surname_kind, raws, cells.alias_surname)),
    }
    if name in NUMBER_INPUTS.values():
        return [number_kind(*pair, tables) for pair in zip(raws, cells.number, strict=True)]
    return read[name]()


def _says_unknown(raw: str, tables: Tables) -> bool:
    """Return whether a cell holds a word for "unknown", or neither letter nor digit."""
    return "".join(words(raw)) in tables.name_placeholders or not any(map(str.isalnum, raw))


def _named(raw: str, is_known: bool) -> Kind:
    if is_known:
        return "fine"
    return "placeholder" if raw else "missing"
