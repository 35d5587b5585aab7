"""Spellings of some people, and the blocking keys of each person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.values import Lines, ValueTables
from encoding.calibrate.mistakes import Rows
from encoding.quality.keys import KeyHasher, Words
from encoding.recipe.rows import RowCleaner
from encoding.recipe.shared_numbers import without_shared
from encoding.records import Chunk
from schemas.linkage.profile import EncodingProfile


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Spellings:
    """Derived rows, sorted by person; as sensitive as the file.

    Attributes:
        person: number of each spelling's person, shape (n,), never decreasing.
        columns: the derived columns, all of that length.
    """

    person: NDArray[np.intp]
    columns: Mapping[str, list[str]]

    @property
    def mains(self) -> NDArray[np.intp]:
        """Place of the first spelling of each person who has one."""
        return np.unique(self.person, return_index=True)[1]

    def main_of(self, people: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the place of the first spelling of each of some people, who all have one."""
        return np.searchsorted(self.person, people)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Copies:
    """Spellings of people, and of copies of their records in which mistakes were made.

    Attributes:
        originals: of the people.
        copies: numbered from 0.
        copied: the person of each copy.
    """

    originals: Spellings
    copies: Spellings
    copied: NDArray[np.intp]

    def lines(self, tables: ValueTables) -> tuple[Lines, Lines]:
        """Return main spellings side by side: of the person, and of each copy that could be cleaned."""
        own, other = tables.lines(self.originals.columns), tables.lines(self.copies.columns)
        mains = self.copies.mains
        people = self.copied[self.copies.person[mains]]
        return own[self.originals.main_of(people)], other[mains]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PersonKeys:
    """Blocking keys as numbers, each once a person: person, key and pass of each, in the order of persons."""

    person: NDArray[np.intp]
    key: Words
    pass_number: NDArray[np.intp]


def lane_columns(tables: ValueTables) -> list[str]:
    """Return the derived column of each place of a line."""
    return [placed.lane.column for placed in (*tables.layout.filters, *tables.layout.tags)]


def clean_rows(
    rows: Rows, person: NDArray[np.intp], profile: EncodingProfile, date_format: str
) -> Spellings:
    """Clean rows of the recipe's inputs; rows that cannot be used are left out."""
    cleaner = RowCleaner(profile, columns={}, available=tuple(rows), date_format=date_format)
    columns = {name: list(rows[name]) for name in cleaner.headers}
    cleaned = cleaner.clean(Chunk(0, columns, 1.0))
    people = person[cleaned.rows]
    return Spellings(people, without_shared(cleaned.columns, people))


def keys_of(spellings: Spellings, hasher: KeyHasher, n_alias_keys: int) -> PersonKeys:
    """Return the keys of all spellings, those of aliases as far as there is room for them."""
    hashed = hasher.hash(spellings.columns)
    is_main = np.zeros(len(spellings.person), dtype=bool)
    is_main[spellings.mains] = True
    # Only the main spelling has equal keys of one pass.
    at, form = np.nonzero(hashed.keys)
    person, key = spellings.person[at], hashed.keys[at, form]
    order = np.lexsort((~is_main[at], key, person))
    person, key = person[order], key[order]
    is_new = np.ones(len(key), dtype=bool)
    is_new[1:] = (person[1:] != person[:-1]) | (key[1:] != key[:-1])
    kept = np.sort(order[is_new])
    person, is_alias = spellings.person[at[kept]], ~is_main[at[kept]]
    # How many keys of aliases the person has up to here.
    so_far = np.cumsum(is_alias)
    before = np.concatenate([[0], so_far])[np.searchsorted(person, person)]
    kept = kept[~is_alias | (so_far - before <= n_alias_keys)]
    return PersonKeys(
        spellings.person[at[kept]], hashed.keys[at[kept], form[kept]], hasher.passes[form[kept]]
    )
