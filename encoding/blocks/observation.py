"""What an assembly notes of its file on the way: a sample of lines, and pairs of records that share a cell.

From these the counts of the manifest are made (`encoding.blocks.counts`), without another reading of the file
and in bounded memory.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.clear import ClearLevels
from encoding.blocks.counts import (
    count_strangers,
    file_counts,
    name_dependence,
    tell_apart,
)
from encoding.blocks.values import Lines, ValueTables
from schemas.linkage.counts import FileCounts
from schemas.linkage.profile import EncodingProfile

MOST_LINES: Final = 200_000
MOST_PAIRS: Final = 300_000
# About so many records of a large file share a cell with another one: for the share of pairs that is kept.
_NEIGHBOURS: Final = 1.0
_BIGGEST_BLOCK: Final = 60
_MIXER: Final = np.uint64(0x9E3779B97F4A7C15)


class Observations:
    """Lines and pairs of one file."""

    def __init__(self, profile: EncodingProfile, n_records: int, n_lanes: int) -> None:
        self._profile, self._n_records = profile, n_records
        # No secret: it only chooses which records are looked at.
        self._draw = np.random.default_rng(n_records)
        self._lines = np.zeros((min(MOST_LINES, max(1, 2 * n_records)), n_lanes), dtype=np.int32)
        self._records = np.zeros(len(self._lines), dtype=np.uint32)
        self._n_lines = 0
        self._share = min(1.0, MOST_PAIRS / max(1.0, _NEIGHBOURS * n_records))
        self._left: list[Lines] = []
        self._right: list[Lines] = []
        self._names: list[NDArray[np.uint64]] = []

    def read_lines(self, lines: Lines, records: NDArray[np.uint32]) -> None:
        """Note some lines: each line of the file is kept with the same chance (reservoir sampling)."""
        room = len(self._lines)
        numbers = self._n_lines + np.arange(len(lines))
        place = np.where(
            numbers < room, numbers, self._draw.integers(0, numbers + 1, dtype=np.int64)
        )
        kept = place < room
        self._lines[place[kept]], self._records[place[kept]] = lines[kept], records[kept]
        self._n_lines += len(lines)

    def take_blocks(
        self, lines: Lines, records: NDArray[np.uint32], starts: NDArray[np.intp]
    ) -> None:
        """Note pairs of records that share a cell."""
        lengths = np.diff(starts, append=len(lines))
        length = np.repeat(np.where(lengths <= _BIGGEST_BLOCK, lengths, 1), lengths)
        block = np.repeat(np.arange(len(starts)), lengths)
        for step in range(1, int(length.max(initial=1))):
            at = np.flatnonzero((block[step:] == block[:-step]) & (length[step:] > step))
            self._take_pairs(lines, records, at, at + step)

    def counts(self, tables: ValueTables) -> FileCounts:
        """Return what the manifest states of the file."""
        n_lines = min(self._n_lines, len(self._lines))
        lines, records = self._lines[:n_lines], self._records[:n_lines]
        levels = ClearLevels(self._profile, tables, seed=self._n_records)
        strangers = count_strangers(levels, lines, records, self._draw)
        placed = (*tables.layout.filters, *tables.layout.tags)
        dependence = name_dependence(self._profile, lines, [one.lane.column for one in placed])
        left, right = self._pairs()
        found = levels.compare(left, right, self._draw)
        classes = tell_apart(
            self._profile, strangers, dependence, found, self._n_records, share=self._share
        )
        return file_counts(self._profile, strangers, dependence, classes)

    def _take_pairs(
        self,
        lines: Lines,
        records: NDArray[np.uint32],
        one: NDArray[np.intp],
        other: NDArray[np.intp],
    ) -> None:
        low = np.minimum(records[one], records[other]).astype(np.uint64)
        high = np.maximum(records[one], records[other]).astype(np.uint64)
        name = (low << np.uint64(32)) | high
        # The same pair is kept or left out wherever it meets.
        mixed = (name * _MIXER) >> np.uint64(11)
        chosen = (low != high) & (mixed < np.uint64(int(self._share * 2**53)))
        self._left.append(lines[one[chosen]])
        self._right.append(lines[other[chosen]])
        self._names.append(name[chosen])

    def _pairs(self) -> tuple[Lines, Lines]:
        """Return the pairs, each once."""
        if not self._names:
            none = self._lines[:0]
            return none, none
        _, first = np.unique(np.concatenate(self._names), return_index=True)
        return np.concatenate(self._left)[first], np.concatenate(self._right)[first]
