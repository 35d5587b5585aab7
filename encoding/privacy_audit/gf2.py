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
    """Bring rows into reduced echelon form in place; the rows beyond the rank become zero in these columns.

    Args:
        words: the rows; changed.
        order: columns in the order in which they are tried as pivots.
    Returns:
        The pivots: column i of them is set in row i and in no other row.
    """
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


def express(targets: Bits, rows: Bits) -> tuple[Bits, NDArray[np.bool_], Bits]:
    """Write vectors as sums of rows.

    Args:
        targets: shape (n, bits).
        rows: shape (n_rows, bits).
    Returns:
        Which rows are added up for each target, shape (n, n_rows), all zero where there is no such sum;
        whether there is one; and a basis of the sums of rows that are zero, any of which may be added.
    """
    n_rows, n_bits = rows.shape
    left = pack_rows(rows)
    tagged = np.hstack([left, pack_rows(np.eye(n_rows, dtype=np.uint8))])
    pivots = row_reduce(tagged, range(n_bits))
    rank, n_left = len(pivots), left.shape[1]
    reduced = unpack_rows(np.ascontiguousarray(tagged[:, :n_left]), n_bits)[:rank]
    made_of = unpack_rows(np.ascontiguousarray(tagged[:, n_left:]), n_rows)
    chosen = targets[:, pivots]
    is_sum = (_times(chosen, reduced) == targets).all(axis=1)
    return _times(chosen, made_of[:rank]) * is_sum[:, None], is_sum, made_of[rank:]


def _times(left: Bits, right: Bits) -> Bits:
    """Return the product over GF(2); sums of fewer than 2^24 ones are exact in float32."""
    product = left.astype(np.float32) @ right.astype(np.float32)
    return (product.astype(np.int32) & 1).astype(np.uint8)
