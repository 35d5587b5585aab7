"""The kernel in numpy: the C kernel's twin, and what runs where that is not built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive.comparison import Comparison, Found

# The scratch arrays stay within a core's second-level cache, and rows are long enough for numpy.
TILE_ROWS = 16
TILE_COLUMNS = 4096


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
        self._rows = comparison.left.folded.view(np.uint64)
        self._columns = np.ascontiguousarray(comparison.right.folded.view(np.uint64).T)

    def find_pairs(self, start: int, stop: int) -> Iterator[Found]:
        """Yield the pairs of left rows start..stop with any right row that reach the threshold."""
        for rows, columns in self._survivors(start, stop):
            found = _verify(self._comparison, rows, columns)
            if len(found[0]):
                yield found

    def count_survivors(self) -> int:
        """Return the number of pairs that the signatures do not rule out."""
        n_left = len(self._comparison.left)
        return sum(len(rows) for rows, _ in self._survivors(0, n_left))

    def _survivors(
        self, start: int, stop: int
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yield, tile by tile, the pairs that the signatures do not rule out."""
        scratch = _Scratch()
        for row in range(start, stop, TILE_ROWS):
            rows = slice(row, min(row + TILE_ROWS, stop))
            first, last = _partner_range(self._comparison, rows)
            for column in range(first, last, TILE_COLUMNS):
                columns = slice(column, min(column + TILE_COLUMNS, last))
                yield self._survivors_of_tile(rows, columns, scratch)

    def _survivors_of_tile(
        self, rows: slice, columns: slice, scratch: _Scratch
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        a, b = self._rows[rows], self._columns[:, columns]
        n_columns = b.shape[1]
        difference, bits, distance = scratch.of_shape(len(a), n_columns)
        distance.fill(0)
        for word in range(a.shape[1]):
            np.bitwise_xor(a[:, word, None], b[None, word], out=difference)
            np.bitwise_count(difference, out=bits)
            np.add(distance, bits, out=distance)
        # Sorted by set bits, so the last column of the tile allows the largest distance.
        left, right, limits = self._comparison.left, self._comparison.right, self._comparison.limits
        bound = limits.largest_distance[left.counts[rows] + right.counts[columns.stop - 1]]
        row, column = np.divmod(np.flatnonzero(distance <= bound[:, None]), n_columns)
        return row + rows.start, column + columns.start


class _Scratch:
    """Arrays that every tile reuses."""

    def __init__(self) -> None:
        n = TILE_ROWS * TILE_COLUMNS
        self._difference = np.empty(n, dtype=np.uint64)
        self._bits = np.empty(n, dtype=np.uint8)
        self._distance = np.empty(n, dtype=np.int16)

    def of_shape(
        self, n_rows: int, n_columns: int
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.int16]]:
        """Return contiguous arrays for differences, their set bits, and distances."""
        n, shape = n_rows * n_columns, (n_rows, n_columns)
        return (
            self._difference[:n].reshape(shape),
            self._bits[:n].reshape(shape),
            self._distance[:n].reshape(shape),
        )


def _partner_range(comparison: Comparison, rows: slice) -> tuple[int, int]:
    """Return the right rows whose number of set bits can pair with some of the left rows."""
    limits, counts = comparison.limits, comparison.left.counts
    smallest = limits.smallest_partner[counts[rows.start]]
    largest = limits.largest_partner[counts[rows.stop - 1]]
    first = int(np.searchsorted(comparison.right.counts, smallest, side="left"))
    last = int(np.searchsorted(comparison.right.counts, largest, side="right"))
    return (max(first, rows.start + 1) if comparison.is_triangle else first), last


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
