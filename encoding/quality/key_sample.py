"""The blocking keys of a file in bounded memory: of a large one whole blocks, drawn by their keys.

A key is kept if its number is small enough. So a block is kept with all of its rows or not at all, and the
limit falls while the file grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.further import with_either
from encoding.blocks.values import Lines, ValueTables
from encoding.quality.keys import KeyHasher, Words
from encoding.recipe.rows import CleanedRows
from schemas.linkage.profile import EncodingProfile

MOST_KEYS: Final = 1_000_000
_ALL: Final = 2**64 - 1
# One bit a pass, of which a profile has 16 at most, and this one for a row that was cleaned at all.
_CLEANED: Final = np.uint32(1 << 31)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Spellings:
    """Spellings of rows; as sensitive as the file.

    Attributes:
        rows: index of each one's row, from 0.
        lines: its value in each lane, by number.
        values: its value in each key column, by number; 0 where it is missing.
        keys: its key by each form; 0 where it has none.
    """

    rows: NDArray[np.uint32]
    lines: Lines
    values: NDArray[np.uint32]
    keys: Words

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Self:
        """Return some of them."""
        return type(self)(*(getattr(self, one.name)[chosen] for one in fields(self)))

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Return several after each other."""
        return cls(*(np.concatenate([getattr(p, one.name) for p in parts]) for one in fields(cls)))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Entries:
    """Keys in the order of their numbers: a block is a run of equal ones.

    Attributes:
        spellings: place of the spelling that has each.
        forms: the form that makes it.
        block: number of the block of each, from 0, never decreasing.
    """

    spellings: NDArray[np.intp]
    forms: NDArray[np.intp]
    block: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class KeySample:
    """What was kept of a file.

    Attributes:
        hasher: made the keys.
        tables: the values that lines number.
        spellings: those that have a key that was kept.
        limit: a key is kept up to this number.
        passes: one bit a pass for each row of the file that has a key of it.
    """

    hasher: KeyHasher
    tables: ValueTables
    spellings: Spellings
    limit: int
    passes: NDArray[np.uint32]

    @property
    def one_in(self) -> int:
        """One key in so many was kept."""
        return (_ALL + 1) // (self.limit + 1)

    def entries(self, records: NDArray[np.int32]) -> Entries:
        """Return the keys that were kept, each once a record."""
        known = self.spellings
        own = records[known.rows]
        kept = (known.keys != 0) & (known.keys <= np.uint64(self.limit)) & (own >= 0)[:, None]
        at, form = np.nonzero(kept)
        key, record = known.keys[at, form], own[at]
        order = np.lexsort((record, key))
        key, record = key[order], record[order]
        is_new = np.concatenate([[True], key[1:] != key[:-1]])[: len(key)]
        is_other = is_new | np.concatenate([[True], record[1:] != record[:-1]])[: len(key)]
        block = np.cumsum(is_new) - 1
        return Entries(at[order][is_other], form[order][is_other], block[is_other])

    def passes_of(self, records: NDArray[np.int32], n_records: int) -> NDArray[np.uint32]:
        """Return one bit a pass for each record that has a key of it, from any of its rows."""
        found = np.zeros(n_records, dtype=np.uint32)
        has_id = records >= 0
        np.bitwise_or.at(found, records[has_id], self.passes[has_id])
        return found


def is_cleaned(passes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Tell which rows or records could be cleaned."""
    cleaned: NDArray[np.bool_] = (passes & _CLEANED) != 0
    return cleaned


class KeySampler:
    """Takes cleaned rows and keeps what has small keys."""

    def __init__(self, profile: EncodingProfile, most_keys: int | None = MOST_KEYS) -> None:
        self._profile = profile
        self._hasher = KeyHasher(profile)
        self._tables = ValueTables(profile)
        self._most_keys = most_keys
        self._bits = (np.uint32(1) << self._hasher.passes.astype(np.uint32)).astype(np.uint32)
        self._limit, self._n_keys = _ALL, 0
        self._kept: list[Spellings] = []
        self._passes: list[NDArray[np.uint32]] = []

    def add(self, cleaned: CleanedRows, first_row: int, n_rows: int) -> None:
        """Take the derived rows of a chunk."""
        columns, of = with_either(self._profile, cleaned.columns)
        hashed = self._hasher.hash(columns)
        rows = cleaned.rows[of]
        here = rows - first_row
        has_key = hashed.keys != 0
        passes = np.zeros(n_rows, dtype=np.uint32)
        bits = np.bitwise_or.reduce(np.where(has_key, self._bits, np.uint32(0)), axis=1)
        np.bitwise_or.at(passes, here, bits | _CLEANED)
        self._passes.append(passes)
        is_small = has_key & (hashed.keys <= np.uint64(self._limit))
        chosen = is_small.any(axis=1)
        self._kept.append(
            Spellings(
                (rows[chosen] - 1).astype(np.uint32),
                self._lines(cleaned.columns, of[chosen]),
                (hashed.values[chosen] >> np.uint64(32)).astype(np.uint32),
                hashed.keys[chosen],
            )
        )
        self._n_keys += int(is_small.sum())
        while self._most_keys is not None and self._n_keys > self._most_keys:
            self._lower()

    def sample(self) -> KeySample:
        """Return what was kept; call it once, after at least one `add`."""
        self._hasher.clear()
        joined = Spellings.joined(self._kept)
        self._kept.clear()
        return KeySample(
            self._hasher, self._tables, joined, self._limit, np.concatenate(self._passes)
        )

    def _lines(self, columns: Mapping[str, list[str]], places: NDArray[np.intp]) -> Lines:
        some = {name: [cells[at] for at in places.tolist()] for name, cells in columns.items()}
        return self._tables.lines(some)

    def _lower(self) -> None:
        """Halve the limit, and forget what is above it."""
        self._limit >>= 1
        smaller: list[Spellings] = []
        self._n_keys = 0
        for part in self._kept:
            is_small = (part.keys != 0) & (part.keys <= np.uint64(self._limit))
            self._n_keys += int(is_small.sum())
            smaller.append(part[is_small.any(axis=1)])
        self._kept = smaller
