"""What a dishonest agency can ask: no fault of the encoding, but to be said and bounded.

An agency may link, so it may ask: its container can hold made-up people, and the links tell it who is in the
other file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.cells import file_keys, meet
from encoding.privacy_audit.files import ClearFile
from encoding.privacy_audit.scene import Scene
from encoding.recipe.columns import COLUMNS_OF, birth_forms

_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class DishonestAgency:
    """What somebody who may link finds out by asking.

    Attributes:
        n_probes: named people who were asked about, half of them in the other file.
        n_told: those of whom it was told rightly whether they are there.
        n_dates: people whose day of birth was looked for by trying every day of a year.
        n_dates_found: those for whom it was found.
        rows_a_record: guesses that one record of the smaller file can carry.
    """

    n_probes: int
    n_told: int
    n_dates: int
    n_dates_found: int
    rows_a_record: int


def ask_as_agency(
    scene: Scene, outsiders: ClearFile, n_probes: int, seed: int = 1
) -> DishonestAgency:
    """Ask about people of the larger file and about outsiders, and sweep dates of birth."""
    larger, draw = scene.pair.larger, np.random.default_rng(seed)
    half = min(n_probes // 2, larger.n_records, outsiders.n_records)
    there = larger.take(draw.permutation(larger.n_records)[:half].astype(np.int64))
    absent = outsiders.take(np.arange(half, dtype=np.int64))
    met = [_all_equal(scene, asked) for asked in (there, absent)]
    n_told = int(met[0].sum() + (~met[1]).sum())
    n_dates = min(half, 20)
    found = _swept(scene, there.take(np.arange(n_dates, dtype=np.int64)))
    return DishonestAgency(2 * half, n_told, n_dates, found, scene.profile.rows("smaller"))


def _all_equal(scene: Scene, asked: ClearFile) -> NDArray[np.bool_]:
    """Tell which of some people meet a record of the larger file as if they were the same."""
    keys = file_keys(scene.profile, asked, "smaller")
    met = meet(keys, scene.keys_larger, scene.profile.block_cap, np.random.default_rng(1))
    enough = np.zeros(asked.n_records, dtype=bool)
    pairs, counts = np.unique(np.stack([met.left, met.right]), axis=1, return_counts=True)
    enough[pairs[0][counts >= scene.profile.keys // 2 + 1]] = True
    return enough


def _swept(scene: Scene, people: ClearFile) -> int:
    """Return for how many people the day of birth was found among all days of its year."""
    found = 0
    for number in range(people.n_records):
        one = people.take(np.array([number]))
        tried = _every_day(one)
        told = np.flatnonzero(_all_equal(scene, tried))
        births = [tried.columns["birth_date"][at] for at in told.tolist()]
        found += births == [one.columns["birth_date"][0]]
    return found


def _every_day(one: ClearFile) -> ClearFile:
    """Return a person 365 times, born on each day of the year."""
    first = date(int(one.columns["birth_date"][0][:4] or 2000), 1, 1)
    forms = [birth_forms(f"{first + timedelta(days=day):%Y%m%d}") for day in range(_DAYS)]
    columns = {name: [values[0]] * _DAYS for name, values in one.columns.items()}
    columns |= dict(zip(COLUMNS_OF["birth_date"], map(list, zip(*forms, strict=True)), strict=True))
    return ClearFile(columns, np.arange(_DAYS), _DAYS)
