"""Invented people who are named as the people of one file are.

A file of thousands is asked how a state of hundreds of thousands is named. The names of the file, and those
that it lacks, have the shares of a Pitman and Yor process: a name of c families has Gamma(c - d), where d
says how many names one family alone has beside those that two have, and a stranger has a name that the file
lacks as often as one family in it is alone with its name (Good and Turing). So a name that one child has may
have no other bearer in the state, or dozens. Names and ZIP codes are drawn apart from each other: drawn
together, twice as many strangers met a child as in fact (docs/adr/0092-risks-are-agreed.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import timedelta
from random import Random
from sys import intern
from typing import Any, Final, TypeVar

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
from encoding.synth.rehearsal import AS_OF, SCHOOL_AGES

# As in the rehearsal data (encoding/synth/people.py).
_NEXT_CHILD, _MOST_CHILDREN, _TWINS = 0.35, 5, 0.03
_DAYS_IN_YEAR: Final = 365.25
_LARGEST_DISCOUNT: Final = 0.95

# Makes a new value of two that there are.
Coin = Callable[[str, str, Random], str]
_T = TypeVar("_T", bound=Hashable)


class Likeness:
    """Draws strangers to one file whose names and ZIP codes are as frequent as its own suggest."""

    def __init__(self, file: ClearFile, seed: int) -> None:
        self._draw = np.random.default_rng(seed)
        self._columns = tuple(file.columns)
        self._canonical = canonical_names(load_tables())
        main = file.main.tolist()

        def column(name: str) -> list[str]:
            cells = file.columns.get(name)
            return [""] * len(main) if cells is None else [cells[at] for at in main]

        one, two, code = column("surname_1"), column("surname_2"), column("zip")
        self._double = np.array([a != b for a, b in zip(one, two, strict=True)])
        home = _numbered(list(zip(one, two, code, strict=True)))[1]
        either = self._draw.integers(2, size=len(main)).tolist()
        part = [pair[which] for pair, which in zip(zip(one, two, strict=True), either, strict=True)]
        self._first = _Values(column("first_name"), np.arange(len(main)), self._draw, _joined)
        self._surname = _Values(part, home, self._draw, _joined)
        self._zip = _Values(code, home, self._draw, _neighbor)
        self._sex = column("sex")
        self._rest = {
            name: column(name) for name in ("middle_initial", "suffix") if name in file.columns
        }

    def strangers(self, n: int, seed: int, ages: tuple[float, float] = SCHOOL_AGES) -> ClearFile:
        """Return invented people of some ages, one line each; no two calls return the same."""
        rng = Random(seed)  # noqa: S311 - invented people, reproducible on purpose
        family, births = _families(n, rng, ages)
        n_families = max(family, default=-1) + 1
        one, two, code = (
            lane.draw(n_families)[0] for lane in (self._surname, self._surname, self._zip)
        )
        double = self._double[self._draw.integers(len(self._double), size=n_families)].tolist()
        parts = [
            _pair(a, b if is_double else a)
            for a, b, is_double in zip(one, two, double, strict=True)
        ]
        first, bearer = self._first.draw(n)
        columns: dict[str, Sequence[str]] = {
            **_forms("first_name", first, lambda name: first_name_forms(name, self._canonical)),
            **_forms("surname", [parts[at] for at in family], surname_forms),
            **_forms("birth_date", births, birth_forms),
            **_forms("zip", [code[at] for at in family], zip_forms),
            NUMBER_COLUMN: [f"{rng.randrange(10**11, 10**12)}" for _ in range(n)],
        }
        # Whose first name it is says the sex, and nothing else: or each rare name had one initial.
        columns["sex"] = [self._sex[at] for at in bearer.tolist()]
        for name, values in self._rest.items():
            record = self._draw.integers(len(values), size=n).tolist()
            columns[name] = [values[at] for at in record]
        nothing = [""] * n
        kept = {name: columns.get(name, nothing) for name in self._columns}
        return ClearFile(kept, np.arange(n, dtype=np.int64), n)


class _Values:
    """The values of one column, and how frequent each is in the state."""

    def __init__(
        self, values: Sequence[str], home: Numbers, draw: np.random.Generator, coin: Coin
    ) -> None:
        self._draw, self._coin = draw, coin
        self._rng = Random(int(draw.integers(2**48)))  # noqa: S311 - as above
        self._values, self._of = _numbered(values)
        self._taken = set(self._values)
        # A family counts once, however many of its children are in the file.
        n_homes = np.bincount(np.unique(np.stack([self._of, home]), axis=1)[0])
        once, twice = int((n_homes == 1).sum()), int((n_homes == 2).sum())
        self._discount = min(once / max(once + 2 * twice, 1), _LARGEST_DISCOUNT)
        # So that as many are new as Good and Turing have it: of so many homes the share of what one alone has.
        n_seen = int(n_homes.sum()) - self._discount * len(self._values)
        self._unseen = n_seen * once / max(int(n_homes.sum()) - once, 1)
        share = draw.standard_gamma(n_homes - self._discount)
        new = draw.standard_gamma(self._unseen)
        self._new = float(new / (new + share.sum()))
        # One record after the other: so anyone who bears a name is drawn with it.
        self._edges = np.cumsum((share / np.bincount(self._of))[self._of])
        self._coined: list[str] = []
        self._times: Counter[str] = Counter()

    def draw(self, n: int) -> tuple[list[str], Numbers]:
        """Return n values as frequent as in the state, and for each a record that has it or one like it."""
        record, other = (
            np.searchsorted(self._edges, self._draw.random(n) * self._edges[-1], side="right")
            for _ in range(2)
        )
        values = [self._values[number] for number in self._of[record].tolist()]
        for at in np.flatnonzero(self._draw.random(n) < self._new).tolist():
            values[at] = self._unheard(values[at], self._values[self._of[other[at]]])
        return values, record.astype(np.int64)

    def _unheard(self, one: str, other: str) -> str:
        """Return a value that the file lacks, perhaps one that a stranger before has."""
        place = self._rng.random() * (self._unseen + len(self._coined)) - self._unseen
        value = self._coined[int(place)] if place >= 0 else ""
        if not value or self._rng.random() * self._times[value] < self._discount:
            value = self._coin(one, other, self._rng)
            while value in self._taken:
                value += self._rng.choice(value or "A")
            value = intern(value)
            self._taken.add(value)
        self._coined.append(value)
        self._times[value] += 1
        return value


def _pair(one: str, two: str) -> tuple[str, ...]:
    return tuple(sorted({part for part in (one, two) if part}))


def _joined(one: str, other: str, _rng: Random) -> str:
    return one[: (len(one) + 1) // 2] + other[len(other) // 2 :]


def _neighbor(one: str, _other: str, rng: Random) -> str:
    return f"{one[:3]}{rng.randrange(100):02d}" if one else one


def _numbered(values: Sequence[Hashable]) -> tuple[list[Any], Numbers]:
    number: dict[Hashable, int] = {}
    of = [number.setdefault(value, len(number)) for value in values]
    return list(number), np.array(of, dtype=np.int64)


def _forms(
    source: Source, values: Sequence[_T], make: Callable[[_T], tuple[str, ...]]
) -> Mapping[str, Sequence[str]]:
    # Each value once, however many people have it, so that a nation fits into memory.
    known = {value: tuple(map(intern, make(value))) for value in set(values)}
    each = zip(*(known[value] for value in values), strict=True)
    return dict(zip(COLUMNS_OF[source], map(list, each), strict=True))


def _families(n: int, rng: Random, ages: tuple[float, float]) -> tuple[list[int], list[str]]:
    """Return the family and the date of birth of each of n children."""
    youngest, oldest = (round(age * _DAYS_IN_YEAR) for age in ages)
    family: list[int] = []
    births: list[str] = []
    while len(family) < n:
        home = family[-1] + 1 if family else 0
        old = rng.randrange(youngest + 1, oldest)
        for _ in range(_MOST_CHILDREN):
            family.append(home)
            births.append(f"{AS_OF - timedelta(days=old):%Y%m%d}")
            if rng.random() >= _TWINS:
                old -= rng.randrange(330, 1500)
            if rng.random() >= _NEXT_CHILD or old <= youngest:
                break
    return family[:n], births[:n]
