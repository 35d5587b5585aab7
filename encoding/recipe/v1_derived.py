"""The derived columns of version 1, each from one cleaned record; all but BirthDate goes with that version.

A linkage schema compares n-grams. Bigrams of words with spaces between do not depend on the order of the
words; days and months written as one private-use character each, in one number space, compare as a set
under n = 1, so that a swapped day and month still agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType

# Private-use characters: no name holds one, and each is one token under n = 1. Their last seven bits are
# none of a letter, a digit or a space, which `salted` relies on.
_DAY_MONTH = 0xE000
_DECADE = 0xE060
_YEAR_DIGIT = 0xE070
# The first supplementary private-use plane.
_SALTED = 0xF0000


@dataclass(frozen=True, slots=True)
class BirthDate:
    """A date of birth in the forms that are compared; `compact` is YYYYMMDD."""

    compact: str
    year: str
    year_digits: str
    day_month: str

    @classmethod
    def of(cls, day: date) -> BirthDate:
        """Return the forms of a date."""
        return cls(
            compact=f"{day.year:04d}{day.month:02d}{day.day:02d}",
            year=f"{day.year:04d}",
            year_digits=chr(_DECADE + day.year // 10 % 10) + chr(_YEAR_DIGIT + day.year % 10),
            day_month=chr(_DAY_MONTH + day.month) + chr(_DAY_MONTH + day.day),
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """One cleaned record, or one variant of it. Empty: unknown."""

    first: str
    last: str
    middle: str
    suffix: str
    birth: BirthDate
    sex: str


DERIVED_COLUMNS: Mapping[str, Callable[[Identity], str]] = MappingProxyType(
    {
        "first_name": lambda i: i.first,
        "surname": lambda i: i.last,
        "names": lambda i: f"{i.first} {i.last}".strip(),
        "middle_initial": lambda i: i.middle[:1],
        "suffix": lambda i: i.suffix,
        "sex": lambda i: i.sex,
        "birth_date": lambda i: i.birth.compact,
        "birth_year": lambda i: i.birth.year,
        "birth_year_digits": lambda i: i.birth.year_digits,
        "birth_day_month": lambda i: i.birth.day_month,
    }
)


def salted(text: str, birth: BirthDate) -> str:
    """Return the text with every character moved to a private-use block of the year of birth.

    All n-grams of it then differ between years, whatever the linkage schema makes of them. The last seven
    bits of a character tell it from all others of derived columns; 500 years have blocks.
    """
    return text.translate(_block_of(birth.year))


@lru_cache(maxsize=500)
def _block_of(year: str) -> Mapping[int, int]:
    block = _SALTED + 128 * (int(year) % 500)
    return {
        code: block + code % 128 for code in (*range(128), *range(_DAY_MONTH, _DAY_MONTH + 128))
    }
