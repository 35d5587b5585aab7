"""How much more often strangers agree on both names, against loops over pairs."""

from __future__ import annotations

import math
from itertools import combinations
from random import Random

import numpy as np

from encoding.blocks.counts import name_dependence
from encoding.blocks.values import ValueTables
from encoding.profiles.catalog import shipped_profile

PROFILE = shipped_profile("children")
LAYOUT = ValueTables(PROFILE).layout
COLUMNS = [placed.lane.column for placed in (*LAYOUT.filters, *LAYOUT.tags)]
FIRST, SURNAMES = ["first_name"], ["surname_1", "surname_2"]
DATE = ["birth_year", "birth_month", "birth_day", "birth_day_month"]


def lines_of(n: int, seed: int) -> np.ndarray:
    """Return lines of people of two peoples, each with names of its own."""
    rng = Random(seed)
    lines = np.zeros((n, len(COLUMNS)), dtype=np.int32)
    for line in lines:
        people = rng.randrange(2)
        for name in COLUMNS:
            line[COLUMNS.index(name)] = rng.randrange(1, 30)
        for name in (*FIRST, "surname_1"):
            line[COLUMNS.index(name)] = 1 + 4 * people + rng.randrange(4)
        line[COLUMNS.index("surname_2")] = line[COLUMNS.index("surname_1")]
    return lines


def counted(lines: np.ndarray) -> int:
    """The same by the definition, pair by pair."""

    def equal(one: np.ndarray, other: np.ndarray, names: list[str]) -> bool:
        return all(one[COLUMNS.index(name)] == other[COLUMNS.index(name)] for name in names)

    n_first = n_surname = n_both = 0
    for one, other in combinations(lines, 2):
        same_date = equal(one, other, DATE)
        first, surname = equal(one, other, FIRST), equal(one, other, SURNAMES)
        n_first += first and not same_date
        n_surname += surname and not same_date
        n_both += first and surname and not same_date
    n_pairs = math.comb(len(lines), 2)
    return round(1000 * math.log2(n_both * n_pairs / (n_first * n_surname)))


def test_it_is_what_pairs_say() -> None:
    lines = lines_of(150, 1)
    found = name_dependence(PROFILE, lines, COLUMNS)
    assert found == counted(lines)
    # Two peoples of equal size: a first name says which half of the surnames it goes with.
    assert 700 < found < 1300


def test_rows_of_one_person_change_nothing() -> None:
    lines = lines_of(150, 2)
    several = np.concatenate([lines, lines[:60]])
    before, after = (name_dependence(PROFILE, some, COLUMNS) for some in (lines, several))
    assert abs(before - after) < 100
