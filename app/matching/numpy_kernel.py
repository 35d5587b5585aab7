"""The kernel in numpy: the C kernel's twin, and what runs where that is not built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.matching.comparison import Comparison, Found

# 64 x 1,024 pairs: the scratch arrays stay within a core's second-level cache.
TILE_ROWS = 64
TILE_COLUMNS = 1024


@dataclass(frozen=True, slots=True)
class NumpyKernel:
    """The kernel that needs no compiler; signatures are whole 64-bit words."""

    name: str = "numpy"
    fold_step: int = 2
    survivor_cost: float = 150.0

    def open(self, comparison: Comparison) -> OpenComparison:
        """Return the comparison, ready to be scanned."""
        return OpenComparison(comparison)


class OpenComparison:
    """A comparison that numpy scans; threads may share it."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison

    def find_pairs(self, start: int, stop: int) -> Iterator[Found]:
        """Yield the pairs of left rows start..stop with any right row that reach the threshold."""
        for rows, columns in _all_survivors(self._comparison, start, stop):
            found = _verify(self._comparison, rows, columns)
            if len(found[0]):
                yield found

    def count_survivors(self) -> int:
        """Return the number of pairs that the signatures do not rule out."""
        n_left = len(self._comparison.left)
        return sum(len(rows) for rows, _ in _all_survivors(self._comparison, 0, n_left))


def _all_survivors(
    comparison: Comparison, start: int, stop: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield, tile by tile, the pairs that the signatures do not rule out."""
    scratch = _Scratch()
    for row in range(start, stop, TILE_ROWS):
        rows = slice(row, min(row + TILE_ROWS, stop))
        first, last = _partner_range(comparison, rows)
        for column in range(first, last, TILE_COLUMNS):
            columns = slice(column, min(column + TILE_COLUMNS, last))
            yield _survivors(comparison, rows, columns, scratch)


class _Scratch:
    """Arrays that every tile reuses."""

    def __init__(self) -> None:
        shape = (TILE_ROWS, TILE_COLUMNS)
        self.difference = np.empty(shape, dtype=np.uint64)
        self.bits = np.empty(shape, dtype=np.uint8)
        self.distance = np.empty(shape, dtype=np.int16)


def _partner_range(comparison: Comparison, rows: slice) -> tuple[int, int]:
    """Return the right rows whose number of set bits can pair with some of the left rows."""
    limits, counts = comparison.limits, comparison.left.counts
    smallest = limits.smallest_partner[counts[rows.start]]
    largest = limits.largest_partner[counts[rows.stop - 1]]
    first = int(np.searchsorted(comparison.right.counts, smallest, side="left"))
    last = int(np.searchsorted(comparison.right.counts, largest, side="right"))
    return (max(first, rows.start + 1) if comparison.is_triangle else first), last


def _survivors(
    comparison: Comparison, rows: slice, columns: slice, scratch: _Scratch
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of each pair of a tile that its folded distance does not rule out."""
    left, right = comparison.left, comparison.right
    a, b = left.folded[rows].view(np.uint64), right.folded[columns].view(np.uint64)
    tile = np.s_[: len(a), : len(b)]
    difference, bits = scratch.difference[tile], scratch.bits[tile]
    distance = scratch.distance[tile]
    distance.fill(0)
    for word in range(a.shape[1]):
        np.bitwise_xor(a[:, word, None], b[None, :, word], out=difference)
        np.bitwise_count(difference, out=bits)
        np.add(distance, bits, out=distance)
    # Sorted by set bits, so the last column of the tile allows the largest distance.
    bound = comparison.limits.largest_distance[left.counts[rows] + right.counts[columns][-1]]
    row, column = np.nonzero(distance <= bound[:, None])
    return row + rows.start, column + columns.start


def _verify(comparison: Comparison, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Found:
    """Count the common bits of each pair and keep those that reach the threshold."""
    left, right = comparison.left, comparison.right
    if comparison.is_triangle:
        is_after = columns > rows
        rows, columns = rows[is_after], columns[is_after]
    both = left.words[rows] & right.words[columns]
    common = np.bitwise_count(both).sum(axis=1, dtype=np.uint16)
    total = left.counts[rows] + right.counts[columns]
    is_in = common >= comparison.limits.smallest_common[total]
    return rows[is_in].astype(np.uint32), columns[is_in].astype(np.uint32), common[is_in]
