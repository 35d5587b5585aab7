"""The invented people: families with siblings and twins, their names, births and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate, count
from random import Random
from typing import TypeVar

from encoding.synth.names import NameTables, Sex, load_name_tables
from encoding.synth.zips import load_zip_table

# Share of each group in foster care and in schools, in the order of _GROUPS (AFCARS, NCES, rounded).
_GROUPS = ("white", "hispanic", "black", "asian", "native", "multiracial")
_IN_CARE = (0.42, 0.22, 0.23, 0.02, 0.03, 0.08)
_IN_SCHOOL = (0.45, 0.28, 0.15, 0.06, 0.01, 0.05)
_ORIGINS: dict[str, tuple[tuple[str, float], ...]] = {
    "white": (("general", 0.86), ("particle", 0.06), ("slavic", 0.05), ("portuguese", 0.03)),
    "hispanic": (("hispanic", 1.0),),
    "black": (("black", 0.86), ("arabic", 0.07), ("haitian", 0.07)),
    "asian": (
        ("vietnamese", 0.2), ("chinese", 0.22), ("korean", 0.1), ("indian", 0.24),
        ("hmong", 0.08), ("filipino", 0.16),
    ),
    "native": (("native", 1.0),),
    "multiracial": (("general", 0.5), ("black", 0.25), ("hispanic", 0.15), ("filipino", 0.1)),
}  # fmt: skip
_DOUBLE_SURNAME = {
    "hispanic": 0.5,
    "portuguese": 0.35,
    "filipino": 0.1,
    "general": 0.05,
    "black": 0.05,
}
_TWIN_BIRTHS = 0.03
_SAME_SURNAME = 0.85
# A middling share of twins is given names that look alike: Jayden and Jaylen, Maria and Mariana.
_ALIKE_TWIN_NAMES = 0.35
_SUFFIXES = ("JR", "JR", "JR", "II", "III", "III", "IV")
_DAYS_IN_YEAR = 365.25
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Person:
    """One invented child. `last` is the full surname, `surnames` its parts in order."""

    number: int
    family: int
    twins: int  # number of the twin birth, 0 for a child born alone
    group: str
    origin: str
    first: str
    middle: str
    surnames: tuple[str, ...]
    hyphenated: bool
    suffix: str
    birth: date
    sex: Sex
    guardian: str
    home_zip: str  # the family's
    # How prone this child's records are to mistakes: mean 1. Errors come together (ALSPAC).
    untidiness: float

    @property
    def last(self) -> str:
        """The full surname as on the birth certificate."""
        return ("-" if self.hyphenated else " ").join(self.surnames)

    @property
    def state_student_id(self) -> str:
        """Ten digits, unique for each person, in no order."""
        return _scattered(self.number, 9_000_000_000, 1_000_000_000)

    @property
    def ssn(self) -> str:
        """A number in the 900 range, which is never issued as an SSN."""
        digits = _scattered(self.number, 49_999_999, 0).zfill(8)
        return f"9{digits[:2]}-{digits[2:4]}-{digits[4:]}"


class Population:
    """Draws families without end; the same seed gives the same people on every platform."""

    def __init__(self, rng: Random, as_of: date, *, in_care: bool) -> None:
        self._rng = rng
        self._as_of = as_of
        self._tables: NameTables = load_name_tables()
        self._group_weights = tuple(accumulate(_IN_CARE if in_care else _IN_SCHOOL))
        self._sibling_share = 0.45 if in_care else 0.35

    def families(
        self, numbers: Iterator[int], families: Iterator[int], ages: tuple[float, float]
    ) -> Iterator[list[Person]]:
        """Yield families; the ages of all children lie in [ages[0], ages[1]) at the as-of date."""
        while True:
            yield self._family(numbers, next(families), ages)

    def _family(
        self, numbers: Iterator[int], family: int, ages: tuple[float, float]
    ) -> list[Person]:
        eldest = self._person(numbers, family, self._birth(ages))
        children = [eldest]
        while len(children) < 5:
            if self._rng.random() < _TWIN_BIRTHS:
                children[-1] = replace(children[-1], twins=children[-1].number)
                children.append(self._twin(children[-1], next(numbers)))
            if self._rng.random() >= self._sibling_share:
                break
            birth = children[-1].birth + timedelta(days=self._rng.randrange(330, 1500))
            if (self._as_of - birth).days < ages[0] * _DAYS_IN_YEAR:
                break
            children.append(self._sibling(eldest, next(numbers), birth))
        return children

    def _person(self, numbers: Iterator[int], family: int, birth: date) -> Person:
        rng = self._rng
        group = _draw(rng, _GROUPS, self._group_weights)
        names, shares = zip(*_ORIGINS[group], strict=True)
        origin = _draw(rng, names, tuple(accumulate(shares)))
        sex: Sex = "M" if rng.random() < 0.512 else "F"
        surnames, hyphenated = self._surnames(origin)
        return Person(
            number=next(numbers), family=family, twins=0, group=group, origin=origin,
            first=self._tables.given_name(rng, origin, sex, birth.year),
            middle=self._tables.middle_name(rng, origin, sex, birth.year),
            surnames=surnames, hyphenated=hyphenated,
            suffix=rng.choice(_SUFFIXES) if sex == "M" and rng.random() < 0.05 else "",
            birth=birth, sex=sex,
            guardian=self._tables.given_name(rng, origin, "F", 2000),
            home_zip=load_zip_table().draw(rng),
            untidiness=_untidiness(rng, group),
        )  # fmt: skip

    def _sibling(self, eldest: Person, number: int, birth: date) -> Person:
        rng = self._rng
        sex: Sex = "M" if rng.random() < 0.512 else "F"
        surnames, hyphenated = eldest.surnames, eldest.hyphenated
        if rng.random() >= _SAME_SURNAME:
            surnames, hyphenated = self._surnames(eldest.origin)
        return replace(
            eldest, number=number, twins=0, birth=birth, sex=sex, suffix="",
            first=self._other_first_name(eldest, sex, birth.year),
            middle=self._tables.middle_name(rng, eldest.origin, sex, birth.year),
            surnames=surnames, hyphenated=hyphenated,
        )  # fmt: skip

    def _twin(self, twin: Person, number: int) -> Person:
        rng = self._rng
        sex: Sex = twin.sex if rng.random() < 0.65 else ("F" if twin.sex == "M" else "M")
        first = self._other_first_name(twin, sex, twin.birth.year)
        if rng.random() < _ALIKE_TWIN_NAMES:
            first = self._alike_first_name(twin, sex) or first
        return replace(
            twin, number=number, sex=sex, first=first, suffix="",
            middle=self._tables.middle_name(rng, twin.origin, sex, twin.birth.year),
        )  # fmt: skip

    def _other_first_name(self, child: Person, sex: Sex, year: int) -> str:
        while True:
            first = self._tables.given_name(self._rng, child.origin, sex, year)
            if first != child.first:
                return first

    def _alike_first_name(self, twin: Person, sex: Sex) -> str:
        """Return a name with the same first two letters, or "" if none turns up in some tries."""
        for _ in range(400):
            first = self._other_first_name(twin, sex, twin.birth.year)
            if first[:2] == twin.first[:2]:
                return first
        return ""

    def _surnames(self, origin: str) -> tuple[tuple[str, ...], bool]:
        rng = self._rng
        if origin == "hispanic" and rng.random() < 0.05:
            return (self._tables.particle_surnames.draw(rng),), False
        first = self._tables.surname(rng, origin)
        if rng.random() >= _DOUBLE_SURNAME.get(origin, 0.01):
            return (first,), False
        second = self._tables.surname(rng, origin)
        hyphenated = rng.random() < (0.35 if origin == "hispanic" else 0.85)
        return ((first, second), hyphenated) if second != first else ((first,), False)

    def _birth(self, ages: tuple[float, float]) -> date:
        youngest = round(ages[0] * _DAYS_IN_YEAR) + 1
        oldest = round(ages[1] * _DAYS_IN_YEAR)
        return self._as_of - timedelta(days=self._rng.randrange(youngest, oldest))


def numbering() -> Iterator[int]:
    """Yield 1, 2, 3, ...: numbers of persons or of families."""
    return count(1)


def _untidiness(rng: Random, group: str) -> float:
    # One record in ten carries most mistakes; groups whose names the forms do not fit have more.
    factor = _draw(rng, (0.4, 1.2, 3.6), (0.55, 0.90, 1.0))
    return factor * (0.9 if group in ("white", "black") else 1.2)


def _draw(rng: Random, values: Sequence[_T], cumulative: Sequence[float]) -> _T:
    target = rng.random() * cumulative[-1]
    for value, edge in zip(values, cumulative, strict=True):
        if target < edge:
            return value
    return values[-1]


def _scattered(number: int, modulus: int, base: int) -> str:
    # 2654435761 is a prime that divides neither modulus: a different number for every person.
    return str(base + number * 2_654_435_761 % modulus)
