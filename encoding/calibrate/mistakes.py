"""Mistakes that another agency would make about the same people, and rows copied with them.

Mistakes come together: one person in ten carries most of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from random import Random
from types import MappingProxyType
from typing import Final

from encoding.recipe.dates import DateFormat
from encoding.synth.names import load_name_tables
from encoding.synth.slips import (
    ERROR_LEVELS,
    ErrorRates,
    mistyped,
    respell,
    sound_alike,
    typo,
)
from schemas.linkage.fields import NUMBER_INPUTS

Rows = Mapping[str, Sequence[str]]
"""Cells by the recipe's name of the column, all of one length."""


@dataclass(frozen=True, slots=True)
class Mistakes:
    """How often two agencies differ about a person: shares of true pairs.

    Attributes:
        errors: names, date of birth, sex, missing ZIP codes.
        zip_near: how often the other agency knows another ZIP code of the same three digits.
        zip_far: how often another one altogether.
        number_missing: how often it does not know the known number.
        number_wrong: how often it knows another one.
    """

    errors: ErrorRates
    zip_near: float
    zip_far: float
    number_missing: float
    number_wrong: float

    def table(self) -> dict[str, float]:
        """Return each mistake with its rate."""
        named = {one.name: getattr(self.errors, one.name) for one in fields(self.errors)}
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "errors"}
        return named | own


# Names, dates, sex: the rates of rehearsal data, which docs/synthetic-data.md takes from published linkages.
# ZIP codes: at the middle level as children in care are placed there (half at home, a third near it).
MISTAKE_LEVELS: Final[Mapping[str, Mistakes]] = MappingProxyType(
    {
        "light": Mistakes(ERROR_LEVELS["low"], 0.10, 0.05, 0.05, 0.003),
        "medium": Mistakes(ERROR_LEVELS["mid"], 0.35, 0.15, 0.20, 0.010),
        "heavy": Mistakes(ERROR_LEVELS["high"], 0.40, 0.25, 0.45, 0.030),
    }
)

# Share of the people who are untidy, how much more often they are written down wrongly, and the others.
_UNTIDY_SHARE, _UNTIDY_FACTOR, _TIDY_FACTOR = 0.1, 4.0, 2 / 3
# No mistake is near certain, however untidy the person.
_MOST = 0.6
# Days from 1 to 12 alone can be taken for months, and only some names can be respelled: those carry the rate.
_SWAPPED_FACTOR, _RESPELLED_FACTOR = 2.5, 4.0
_KNOWN_NICKNAME = 0.8
_MOST_DAYS_OFF = 200
# A date of another year, such as 12/31/9999, stands for an unknown one; some would slip out of all years.
_YEARS = range(1000, 9999)
_NO_NAMES = ("UNKNOWN", "BABY", "DOE")


class Copyist:
    """Copies rows of the recipe's inputs as another agency would have written them."""

    def __init__(self, date_format: DateFormat, mistakes: Mistakes, rng: Random) -> None:
        self._format, self._mistakes, self._rng = date_format, mistakes, rng
        self._rates = mistakes.errors
        self._nicknames = load_name_tables().nicknames

    def copy(self, rows: Rows) -> dict[str, list[str]]:
        """Return the rows with mistakes, in the same order; the other agency knows none of the aliases."""
        copied = {
            name: [""] * len(cells) if name.startswith("alias_") else list(cells)
            for name, cells in rows.items()
        }
        near = _by_area(rows.get("zip", ()))
        sexes = sorted({"", "X", *rows.get("sex", ())})
        for row in range(len(copied["birth_date"])):
            factor = _UNTIDY_FACTOR if self._rng.random() < _UNTIDY_SHARE else _TIDY_FACTOR
            self._slip_last(copied, rows["last_name"], row, factor)
            self._slip_first(copied, row, factor)
            self._slip_both(copied, row, factor)
            copied["birth_date"][row] = self._birth(copied["birth_date"][row], factor)
            if "sex" in copied and self._happens(self._rates.sex, factor):
                copied["sex"][row] = self._rng.choice(
                    [one for one in sexes if one != rows["sex"][row]]
                )
            if "zip" in copied:
                copied["zip"][row] = self._zip(rows["zip"], near, row, factor)
            for name in NUMBER_INPUTS.values():
                if name in copied:
                    copied[name][row] = self._number(copied[name][row])
        return copied

    def _number(self, number: str) -> str:
        # Whose number an agency knows hangs on its systems, not on who is untidy.
        draw, missing = self._rng.random(), self._mistakes.number_missing
        if not number or draw < missing:
            return ""
        return (
            mistyped(self._rng, number) if draw < missing + self._mistakes.number_wrong else number
        )

    def _happens(self, rate: float, factor: float) -> bool:
        return self._rng.random() < min(rate * factor, _MOST)

    def _slip_last(
        self, rows: dict[str, list[str]], others: Sequence[str], row: int, factor: float
    ) -> None:
        rates, last, rng = self._rates, rows["last_name"], self._rng
        parts = last[row].replace("-", " ").split()
        if self._happens(rates.last_changed, factor):
            last[row] = rng.choice(others)
        elif len(parts) > 1 and self._happens(rates.double_surname, factor):
            last[row] = rng.choice((parts[0], parts[0], parts[-1], "".join(parts)))
        if last[row] and self._happens(rates.last_typo, factor):
            last[row] = typo(rng, last[row])
        if self._happens(rates.last_spelling * _RESPELLED_FACTOR, factor):
            last[row] = respell(rng, last[row])

    def _slip_first(self, rows: dict[str, list[str]], row: int, factor: float) -> None:
        rates, first, rng = self._rates, rows["first_name"], self._rng
        middle = rows.get("middle_name")
        if middle and middle[row] and self._happens(rates.middle_as_first, factor):
            first[row], middle[row] = middle[row], ""
        elif self._happens(rates.first_nickname, factor):
            first[row] = self._nickname(first[row])
        elif first[row] and self._happens(rates.first_variant, factor):
            first[row] = sound_alike(rng, first[row])
        if first[row] and self._happens(rates.first_typo, factor):
            first[row] = typo(rng, first[row])
        if middle is None or not middle[row]:
            return
        if rng.random() < rates.middle_missing:
            middle[row] = ""
        elif self._happens(rates.middle_differs, factor):
            middle[row] = rng.choice(rows["first_name"])

    def _slip_both(self, rows: dict[str, list[str]], row: int, factor: float) -> None:
        first, last = rows["first_name"], rows["last_name"]
        if self._happens(self._rates.names_transposed, factor):
            first[row], last[row] = last[row], first[row]
        elif self._happens(self._rates.placeholder_name, factor):
            name = self._rng.choice(_NO_NAMES)
            (last if name == "DOE" else first)[row] = name

    def _nickname(self, first: str) -> str:
        known = self._nicknames.get(first.title())
        if known and self._rng.random() < _KNOWN_NICKNAME:
            return self._rng.choice(known)
        # A home-made short form, such as no table holds.
        return first[: self._rng.choice((3, 4))].rstrip("' -")

    def _birth(self, cell: str, factor: float) -> str:
        birth = self._format.parse(cell)
        if birth is None or birth.year not in _YEARS:
            return cell
        return written(self._other_birth(birth, factor), self._format)

    def _other_birth(self, birth: date, factor: float) -> date:
        rates, rng = self._rates, self._rng
        if birth.day <= 12 and self._happens(rates.birth_swapped * _SWAPPED_FACTOR, factor):
            return date(birth.year, birth.day, birth.month)
        if self._happens(rates.birth_digit, factor):
            return _other_digit(rng, birth)
        if self._happens(rates.birth_year, factor):
            return date(birth.year + rng.choice((-1, 1)), birth.month, min(birth.day, 28))
        if self._happens(rates.birth_placeholder, factor):
            return date(birth.year, 1, 1)
        if self._happens(rates.birth_estimated, factor):
            days = timedelta(days=rng.randrange(-_MOST_DAYS_OFF, _MOST_DAYS_OFF + 1))
            return (birth + days).replace(day=15)
        return birth

    def _zip(
        self, zips: Sequence[str], near: Mapping[str, Sequence[str]], row: int, factor: float
    ) -> str:
        if self._happens(self._rates.zip_missing, factor):
            return ""
        # Who moves is not untidy: the rate is everybody's.
        draw = self._rng.random()
        if zips[row] and draw < self._mistakes.zip_near:
            return self._rng.choice(near[zips[row][:3]])
        if draw < self._mistakes.zip_near + self._mistakes.zip_far:
            return self._rng.choice(zips)
        return zips[row]


def written(day: date, date_format: DateFormat) -> str:
    """Return a date as the format writes it, with zeros."""
    return day.strftime(date_format.strptime).upper()


def _other_digit(rng: Random, birth: date) -> date:
    """Return a date of which the day, the month or the last digit of the year is mistyped."""
    place = rng.randrange(3)
    if place == 0:
        return birth.replace(day=1 + (birth.day + rng.choice((0, 1, 9, 19))) % 28)
    if place == 1:
        return date(birth.year, 1 + (birth.month + rng.randrange(11)) % 12, min(birth.day, 28))
    other = birth.year // 10 * 10 + (birth.year + rng.randrange(1, 10)) % 10
    return date(other, birth.month, min(birth.day, 28))


def _by_area(zips: Sequence[str]) -> dict[str, list[str]]:
    areas: dict[str, list[str]] = {}
    for code in zips:
        if code:
            areas.setdefault(code[:3], []).append(code)
    return areas
