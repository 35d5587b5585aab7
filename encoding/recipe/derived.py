"""The derived columns that a linkage schema can use, each from one cleaned record.

A linkage schema compares n-grams. Bigrams of words with spaces between do not depend on the order of the
words; days and months written as one private-use character each, in one number space, compare as a set
under n = 1, so that a swapped day and month still agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

# Private-use characters: no name holds one, and each is one token under n = 1.
_DAY_MONTH = 0xE000
_DECADE = 0xE100
_YEAR_DIGIT = 0xE200


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
