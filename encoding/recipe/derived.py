"""The derived columns that a linkage schema can use, each from one cleaned record.

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

# Private-use characters: no name holds one, and each is one token under n = 1.
_DAY_MONTH = 0xE000
_DECADE = 0xE100
_YEAR_DIGIT = 0xE200


@dataclass(frozen=True, slots=True)
class Identity:
    """One cleaned record, or one variant of it. Empty: unknown."""

    first: str
    last: str
    middle: str
    suffix: str
    birth: date
    sex: str


def _birth(form: Callable[[date], str]) -> Callable[[Identity], str]:
    remembered = lru_cache(maxsize=1 << 15)(form)

    def column(identity: Identity) -> str:
        return remembered(identity.birth)

    return column


DERIVED_COLUMNS: Mapping[str, Callable[[Identity], str]] = MappingProxyType(
    {
        "first_name": lambda i: i.first,
        "surname": lambda i: i.last,
        "names": lambda i: f"{i.first} {i.last}".strip(),
        "middle_initial": lambda i: i.middle[:1],
        "suffix": lambda i: i.suffix,
        "sex": lambda i: i.sex,
        "birth_date": _birth(lambda d: f"{d.year:04d}{d.month:02d}{d.day:02d}"),
        "birth_year": _birth(lambda d: f"{d.year:04d}"),
        "birth_year_digits": _birth(
            lambda d: chr(_DECADE + d.year // 10 % 10) + chr(_YEAR_DIGIT + d.year % 10)
        ),
        "birth_day_month": _birth(lambda d: chr(_DAY_MONTH + d.month) + chr(_DAY_MONTH + d.day)),
    }
)
