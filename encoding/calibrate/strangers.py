"""Strangers made of the file's own records: how many of them a record would meet in a larger file.

Each stranger takes first name, surname, date of birth and ZIP code from four records, so that each is as
frequent as in the file, and relatives of a record do not become more with the size of the other file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.calibrate.people import PersonKeys, Spellings
from encoding.quality.blocks import input_of
from encoding.quality.keys import KeyHasher, Words
from encoding.recipe.numbers import NUMBER_COLUMN

# One stranger stands for ten of a large file, within what memory and patience allow.
_FEWEST, _MOST, _STANDS_FOR = 100_000, 500_000, 10
# What a record takes together: a first name goes with the sex.
_GROUPS: Final = (("first_name", "middle_name", "sex"), ("last_name",), ("birth_date",), ("zip",))
_FIRST_NAME, _BIRTH_DATE = 0, 2
# First name and date are taken from people who are at most so far apart, in places by age: a 25th of all.
_LEAST_APART: Final = 10
_AGES: Final = 25
_AT_ONCE: Final = 20_000
# Of a block that holds more, so many stand for all.
_MOST_LISTED: Final = 32
_MOST_SHAPE: Final = 1_000.0
_CLOSE_TO_ONE: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Strangers:
    """Donors of invented people: the place of the spelling that gives each group, shape (n, n groups)."""

    donors: NDArray[np.intp]

    @classmethod
    def draw(cls, spellings: Spellings, n: int, draw: np.random.Generator) -> Strangers:
        """Make some out of main spellings; first name and date of birth are of people of nearly one age."""
        mains = spellings.mains
        births = spellings.columns["birth_date"]
        by_age = mains[np.argsort([births[at] for at in mains.tolist()], kind="stable")]
        donors = draw.integers(0, len(mains), (n, len(_GROUPS)))
        # First names have their years.
        most_apart = max(_LEAST_APART, len(mains) // _AGES)
        older = donors[:, _FIRST_NAME] + draw.integers(-most_apart, most_apart + 1, n)
        donors[:, _BIRTH_DATE] = older % len(mains)
        return cls(by_age[donors])

    def keys(
        self, columns: Mapping[str, Sequence[str]], hasher: KeyHasher
    ) -> tuple[Words, NDArray[np.intp]]:
        """Return all their blocking keys in increasing order, and the stranger that has each."""
        keys, owners = zip(*self._keys(columns, hasher), strict=True)
        key, owner = np.concatenate(keys), np.concatenate(owners)
        order = np.argsort(key, kind="stable")
        return key[order], owner[order]

    def _keys(
        self, columns: Mapping[str, Sequence[str]], hasher: KeyHasher
    ) -> Iterator[tuple[Words, NDArray[np.intp]]]:
        for start in range(0, len(self.donors), _AT_ONCE):
            donors = self.donors[start : start + _AT_ONCE]
            taken = {
                name: [""] * len(donors)
                if name == NUMBER_COLUMN
                else [columns[name][at] for at in donors[:, group_of(name)].tolist()]
                for name in hasher.columns
            }
            keys = hasher.hash(taken).keys
            row, form = np.nonzero(keys)
            yield keys[row, form], row + start


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Met:
    """Strangers that share keys with people.

    Attributes:
        n_in_block: how many strangers share each key of the people.
        entry: place of the key, of each meeting that is listed.
        stranger: number of the stranger.
        weight: how many meetings each listed one stands for.
    """

    n_in_block: NDArray[np.float64]
    entry: NDArray[np.intp]
    stranger: NDArray[np.intp]
    weight: NDArray[np.float64]


def enough_strangers(n_larger: int) -> int:
    """Return how many strangers to make for a larger file of so many records."""
    return min(max(n_larger // _STANDS_FOR, _FEWEST), _MOST)


def group_of(column: str) -> int:
    """Return the number of the group that a derived column is taken with; a known number goes with the name."""
    if column == NUMBER_COLUMN:
        return _FIRST_NAME
    return next(number for number, group in enumerate(_GROUPS) if input_of(column) in group)


def meet_strangers(
    people: PersonKeys, spellings: Spellings, strangers: Strangers, hasher: KeyHasher
) -> Met:
    """Return which strangers share keys with people; one that took anything from the person is left out."""
    keys, owners = strangers.keys(spellings.columns, hasher)
    low = np.searchsorted(keys, people.key, side="left")
    n_all = np.searchsorted(keys, people.key, side="right") - low
    n_listed = np.minimum(n_all, _MOST_LISTED)
    entry = np.repeat(np.arange(len(low)), n_listed)
    place = np.arange(len(entry)) - np.repeat(np.cumsum(n_listed) - n_listed, n_listed)
    stranger = owners[low[entry] + place]
    donors = spellings.person[strangers.donors[stranger]]
    is_other = (donors != people.person[entry][:, None]).all(axis=1)
    entry, stranger = entry[is_other], stranger[is_other]
    weight = (n_all / np.maximum(n_listed, 1))[entry]
    n_in_block = np.bincount(entry, weight, minlength=len(low)).astype(np.float64)
    return Met(n_in_block, entry, stranger, weight)


def chance_to_be_kept(
    n_in_block: NDArray[np.float64], scale: float, block_cap: int
) -> NDArray[np.float64]:
    """Return how likely a row of the larger file is within the cap of its block, for keys of one pass.

    The number of others in a block is taken as Poisson, its mean as gamma over the keys, fitted to the first
    two moments (empirical Bayes): what was counted among few strangers is so scaled to many.
    """
    mean = max(float(n_in_block.mean()), 0.5 / len(n_in_block))
    spread = float((n_in_block * (n_in_block - 1)).mean()) - mean**2
    rate = mean / max(spread, mean**2 / _MOST_SHAPE)
    shape = mean * rate + n_in_block
    shape = np.where(np.abs(shape - 1) < _CLOSE_TO_ONE, 1 + _CLOSE_TO_ONE, shape)
    p = (rate + 1) / (rate + 1 + scale)
    # E[min(1, c / (K + 1))] for K others, negative binomial.
    n_each = p**shape
    inverse = p * (1 - p ** (shape - 1)) / ((1 - p) * (shape - 1))
    kept = np.zeros(len(shape))
    for others in range(block_cap):
        kept += n_each
        inverse = inverse - n_each / (others + 1)
        n_each = n_each * (others + shape) * (1 - p) / (others + 1)
    chance: NDArray[np.float64] = np.clip(kept + block_cap * np.maximum(inverse, 0), 0, 1)
    return chance
