"""The other agency's file, rehearsed: copies of this file's people with a clerk's mistakes, and strangers.

Rates of mistakes are those of the rehearsal data (docs/synthetic-data.md); they come together, one person in
ten carrying most of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from sys import intern
from typing import Final

import numpy as np

from encoding.privacy_audit.files import ClearFile, Numbers
from encoding.recipe.columns import (
    COLUMNS_OF,
    Source,
    birth_forms,
    canonical_names,
    first_name_forms,
    surname_forms,
    zip_forms,
)
from encoding.recipe.numbers import NUMBER_COLUMN
from encoding.recipe.tables import load_tables
from encoding.synth.slips import ERROR_LEVELS, ErrorRates, sound_alike, typo

_UNTIDY_SHARE, _UNTIDY_FACTOR, _TIDY_FACTOR = 0.1, 4.0, 2 / 3
_MOVED: Final = 0.5
# As in the rehearsal's two files: of the double surnames in one, 5 % have one name in the other by it.
_SURNAME_LOST: Final = 1 / 3
_ALIAS_KEPT: Final = 0.4
# The other agency does not hold one known number in five, and of a hundred it holds one is another person's.
_NUMBER_MISSING, _NUMBER_WRONG = 0.2, 0.008

Line = dict[str, str]


class Copyist:
    """Copies records with mistakes."""

    def __init__(self, rng: Random, rates: ErrorRates = ERROR_LEVELS["mid"]) -> None:
        self._rng = rng
        self._rates = rates
        self._gained = 0.0
        self._tables = load_tables()
        self._canonical = canonical_names(self._tables)
        self._short = {
            name: short for short, names in self._tables.nicknames.items() for name in names[:1]
        }

    def copy(self, file: ClearFile, records: Numbers, *, moved: float = _MOVED) -> ClearFile:
        """Return copies of records, in this order; `moved` is how many live elsewhere now."""
        main = file.main[records].tolist()
        # Who has two surnames here has one there as often as the other way round.
        n_double = sum(
            file.columns["surname_1"][at] != file.columns["surname_2"][at] for at in main
        )
        self._gained = n_double / max(len(main) - n_double, 1)
        columns: dict[str, list[str]] = {name: [] for name in file.columns}
        owners: list[int] = []
        for number, at in enumerate(main):
            line = {name: values[at] for name, values in file.columns.items()}
            other = main[self._rng.randrange(len(main))]
            stranger = {name: values[other] for name, values in file.columns.items()}
            for copied in self._lines(line, stranger, moved):
                for name, values in columns.items():
                    values.append(intern(copied[name]))
                owners.append(number)
        return ClearFile(columns, np.array(owners, dtype=np.int64), len(main))

    def _lines(self, line: Line, stranger: Line, moved: float) -> Iterator[Line]:
        untidy = self._rng.random() < _UNTIDY_SHARE
        factor = _UNTIDY_FACTOR if untidy else _TIDY_FACTOR

        def happens(rate: float) -> bool:
            return self._rng.random() < rate * factor

        rates, former = self._rates, None
        first = self._first(line["first_name"], happens)
        if happens(rates.last_changed):
            former = line["surname_1"], line["surname_2"]
            last = stranger["surname_1"], stranger["surname_2"]
        else:
            last = self._last(line, stranger, happens)
        copied = line | self._changed_rest(line, stranger, happens, moved)
        copied |= _forms("first_name", first_name_forms(first, self._canonical))
        yield copied | _forms("surname", surname_forms(_pair(*last)))
        if former is not None and self._rng.random() < _ALIAS_KEPT:
            yield copied | _forms("surname", surname_forms(_pair(*former)))

    def _first(self, first: str, happens: Callable[[float], bool]) -> str:
        rates = self._rates
        if not first:
            return first
        if happens(rates.first_nickname):
            return self._short.get(first, first[:4])
        if happens(rates.first_typo):
            return typo(self._rng, first.capitalize()).upper()
        return sound_alike(self._rng, first).upper() if happens(rates.first_variant) else first

    def _last(
        self, line: Line, stranger: Line, happens: Callable[[float], bool]
    ) -> tuple[str, str]:
        one, two = line["surname_1"], line["surname_2"]
        if one != two:
            if happens(_SURNAME_LOST * self._rates.double_surname):
                one = two = self._rng.choice((one, two, one + two))
        elif one and happens(_SURNAME_LOST * self._rates.double_surname * self._gained):
            two = stranger["surname_1"] or two
        if one and happens(self._rates.last_typo):
            slipped = typo(self._rng, one.capitalize()).upper()
            one, two = slipped, (slipped if one == two else two)
        return one, two

    def _changed_rest(
        self, line: Line, stranger: Line, happens: Callable[[float], bool], moved: float
    ) -> Line:
        rates, changed = self._rates, Line()
        if happens(rates.birth_digit + rates.birth_year + rates.birth_swapped):
            changed |= _forms("birth_date", birth_forms(self._slipped(line["birth_date"])))
        if "middle_initial" in line and self._rng.random() < rates.middle_missing:
            changed["middle_initial"] = ""
        if "sex" in line and happens(rates.sex):
            changed["sex"] = ""
        if "zip" in line:
            code = stranger["zip"] if self._rng.random() < moved else line["zip"]
            changed |= _forms("zip", zip_forms("" if happens(rates.zip_missing) else code))
        if line.get(NUMBER_COLUMN):
            draw = self._rng.random()
            if draw < _NUMBER_MISSING + _NUMBER_WRONG:
                wrong = stranger[NUMBER_COLUMN]
                changed[NUMBER_COLUMN] = "" if draw < _NUMBER_MISSING else wrong
        return changed

    def _slipped(self, birth: str) -> str:
        """Return a date with day and month exchanged, or with another day."""
        year, month, day = birth[:4], birth[4:6], birth[6:]
        if birth and int(day) <= 12 and self._rng.random() < 0.5:
            return year + day + month
        return f"{year}{month}{self._rng.randrange(1, 29):02d}" if birth else birth


def _pair(one: str, two: str) -> tuple[str, ...]:
    return tuple(sorted({part for part in (one, two) if part}))


def _forms(source: Source, forms: tuple[str, ...]) -> Line:
    return dict(zip(COLUMNS_OF[source], forms, strict=True))
