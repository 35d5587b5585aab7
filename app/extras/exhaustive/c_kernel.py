"""The kernel in C: arrays laid out as each instruction set wants them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from app.extras.exhaustive import _kernel
from app.extras.exhaustive.comparison import Comparison, Found

COLUMNS = 64  # SCAN_COLUMNS in c/scan.h
# Pairs found before they are copied out; at least one block of 4 rows (c/scan.h).
_BUFFER_PAIRS = 1 << 14
_ALIGNMENT_BYTES = 64


@dataclass(frozen=True, slots=True)
class CKernel:
    """One instruction set of the C kernel.

    Attributes:
        name: the instruction set.
        layout: "words" or "nibbles", see `enum layout` in c/scan.h.
        fold_step: signatures are any multiple of this many 32-bit words.
        survivor_cost: what a pair costs that its signature does not rule out, in signature words
            of one pair; steers the fold, never the result.
    """

    name: str
    layout: str
    fold_step: int
    survivor_cost: float

    def open(self, comparison: Comparison) -> OpenComparison:
        """Return the comparison laid out for this instruction set."""
        return OpenComparison(self, comparison)


class OpenComparison:
    """A comparison that the C kernel scans; threads may share it."""

    def __init__(self, kernel: CKernel, comparison: Comparison) -> None:
        left, right, limits = comparison.left, comparison.right, comparison.limits
        rows: NDArray[np.generic] = left.folded
        columns: NDArray[np.generic] = right.folded
        if kernel.layout == "nibbles":
            rows, columns = _nibbles(left.folded) << np.uint8(4), _nibbles(right.folded)
        self._opened = _kernel.open(
            kernel.name,
            left.words.shape[1],
            rows.shape[1],
            comparison.is_triangle,
            left.words,
            right.words,
            left.counts,
            right.counts,
            rows,
            _in_blocks(columns),
            limits.largest_distance,
            limits.smallest_common,
            limits.smallest_partner,
            limits.largest_partner,
        )

    def find_pairs(self, start: int, stop: int) -> Iterator[Found]:
        """Yield the pairs of left rows start..stop with any right row that reach the threshold."""
        left = np.empty(_BUFFER_PAIRS, dtype=np.uint32)
        right = np.empty(_BUFFER_PAIRS, dtype=np.uint32)
        common = np.empty(_BUFFER_PAIRS, dtype=np.uint16)
        is_done, position = False, (0, 0, 0)
        while not is_done:
            is_done, n, position = _kernel.scan(
                self._opened, start, stop, position, left, right, common
            )
            if n:
                yield left[:n].copy(), right[:n].copy(), common[:n].copy()

    def count_survivors(self) -> int:
        """Return the number of pairs that the signatures do not rule out."""
        return _kernel.count(self._opened)


def supported_kernels() -> tuple[CKernel, ...]:
    """Return a kernel for each instruction set of this processor, fastest first."""
    # A survivor costs its count and the branches that it upsets: about 25 ns, whatever the words cost.
    costs = {"avx512": 2500.0, "avx2": 700.0, "portable": 100.0}
    return tuple(
        CKernel(name, layout, fold_step=1, survivor_cost=costs[name])
        for name, layout in _kernel.instruction_sets()
    )


def _nibbles(folded: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return the signatures with one byte for every 4 bits, shape (n, 8 * fold_words)."""
    octets = folded.view(np.uint8)
    nibbles = np.empty((len(octets), 2 * octets.shape[1]), dtype=np.uint8)
    np.bitwise_and(octets, 15, out=nibbles[:, 0::2])
    np.right_shift(octets, 4, out=nibbles[:, 1::2])
    return nibbles


def _in_blocks(rows: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return signatures in blocks of 64, element by element: shape (n_blocks, width, 64), aligned."""
    n, width = rows.shape
    blocks = _aligned((-(-n // COLUMNS), width, COLUMNS), rows.dtype)
    n_whole = n // COLUMNS
    whole = rows[: n_whole * COLUMNS].reshape(n_whole, COLUMNS, width)
    blocks[:n_whole] = whole.transpose(0, 2, 1)
    if n % COLUMNS:
        blocks[n_whole] = 0
        blocks[n_whole, :, : n % COLUMNS] = rows[n_whole * COLUMNS :].T
    return blocks


def _aligned(shape: tuple[int, int, int], dtype: DTypeLike) -> NDArray[np.generic]:
    """Return an uninitialised array that starts on a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    octets = np.empty(size + _ALIGNMENT_BYTES, dtype=np.uint8)
    start = -octets.ctypes.data % _ALIGNMENT_BYTES
    return octets[start : start + size].view(dtype).reshape(shape)
