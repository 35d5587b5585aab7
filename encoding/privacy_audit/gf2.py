"""Rows of bits as vectors over GF(2), packed into words: what attacks on linear hardenings calculate with."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
"""Shape (n, words), C order; bit i of a row is bit i of its bytes, most significant first, zero-padded."""
Bits = NDArray[np.uint8]
"""Shape (n, bits), 0 and 1."""
PackedBits = NDArray[np.uint8]
"""Shape (n, bytes); bit i is byte i // 8, mask 0x80 >> i % 8."""


def pack_rows(bits: Bits) -> Words:
    """Return rows of bits as words."""
    packed = np.packbits(bits, axis=1)
    padded = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8)))
    return np.ascontiguousarray(padded).view(np.uint64)


def unpack_rows(words: Words, n_bits: int) -> Bits:
    """Return rows of words as bits."""
    return np.unpackbits(words.view(np.uint8), axis=1, count=n_bits)


def row_reduce(words: Words, order: Iterable[int]) -> NDArray[np.intp]:
    """Bring rows into reduced echelon form in place; the rows beyond the rank become zero in these columns."""
    by_byte = words.view(np.uint8)
    pivots: list[int] = []
    for column in order:
        rank = len(pivots)
        if rank == len(words):
            break
        is_set = np.flatnonzero(by_byte[:, column >> 3] & (0x80 >> (column & 7)))
        place = int(np.searchsorted(is_set, rank))
        if place == len(is_set):
            continue
        pivot = words[is_set[place]].copy()
        # Clears the pivot's own row too, which then takes what stood in its new place.
        words[is_set] ^= pivot
        words[is_set[place]] = words[rank]
        words[rank] = pivot
        pivots.append(column)
    return np.array(pivots, dtype=np.intp)
