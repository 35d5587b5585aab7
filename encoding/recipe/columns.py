"""The derived columns, by the value that each is made from."""

from __future__ import annotations

from collections.abc import Mapping
from sys import intern
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from encoding.recipe.tables import Tables
from encoding.recipe.text import phonetic_code

Source: TypeAlias = Literal["first_name", "surname", "birth_date", "zip"]
Forms: TypeAlias = tuple[str, ...]
"""What one cleaned value is written as, a text a column."""

COLUMNS_OF: Final[Mapping[Source, tuple[str, ...]]] = MappingProxyType(
    {
        "first_name": (
            "first_name", "first_name_canonical", "first_name_head", "first_name_soundex",
        ),
        "surname": (
            "surname_1", "surname_2", "surname_double", "surname_1_head", "surname_2_head",
            "surname_1_soundex", "surname_2_soundex",
        ),
        "birth_date": ("birth_date", "birth_year", "birth_month", "birth_day", "birth_day_month"),
        "zip": ("zip", "zip3"),
    }
)  # fmt: skip

DERIVED_COLUMNS: Final = (
    *(name for columns in COLUMNS_OF.values() for name in columns),
    "sex", "middle_initial", "suffix",
)  # fmt: skip
"""Every derived column."""

_HEAD_LETTERS = 3
_ZIP3_DIGITS = 3
_NO_BIRTH: Forms = ("", "", "", "", "")


def canonical_names(tables: Tables) -> dict[str, str]:
    """Return the formal name for each short form: the first of the table; a formal name is its own."""
    formal = {name for names in tables.nicknames.values() for name in names}
    return {short: names[0] for short, names in tables.nicknames.items() if short not in formal}


def first_name_forms(first: str, canonical_of: Mapping[str, str]) -> Forms:
    """Return the columns of a first name."""
    canonical = canonical_of.get(first, first)
    return first, canonical, _head(canonical), intern(phonetic_code(canonical))


def surname_forms(pair: tuple[str, ...]) -> Forms:
    """Return the columns of a surname; one that has one part stands in both places."""
    if not pair:
        return ("",) * 7
    one, two = pair[0], pair[-1]
    double = "2" if len(pair) > 1 else ""
    codes = intern(phonetic_code(one)), intern(phonetic_code(two))
    return one, two, double, _head(one), _head(two), *codes


def birth_forms(compact: str) -> Forms:
    """Return the columns of a date of birth, written YYYYMMDD."""
    if not compact:
        return _NO_BIRTH
    year, month, day = compact[:4], compact[4:6], compact[6:]
    # In this order a swapped day and month agree.
    return compact, year, month, day, "".join(sorted((month, day)))


def zip_forms(digits: str) -> Forms:
    """Return the columns of a ZIP code."""
    return digits, digits[:_ZIP3_DIGITS]


def _head(name: str) -> str:
    return intern(name[:_HEAD_LETTERS])
