"""Masks: filters as uint64 words, made from positions and combined bit by bit.

The bytes of a mask are in clkhash's order (bit i is byte i // 8, mask 0x80 >> i % 8), so a mask is only
ever combined, never read as a number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoding.encoder.hashing import Positions

Masks = NDArray[np.uint64]
"""Shape (n, n_words)."""

Rows = NDArray[np.intp]
"""Row numbers into an array of masks."""

_SCATTER_BYTES = 4 << 20
_MANY_TOKENS = 256


def n_words(hash_bits: int) -> int:
    """Return how many uint64 words a filter of `hash_bits` takes."""
    return -(-hash_bits // 64)


def masks_of(positions: Positions, hash_bits: int) -> Masks:
    """Return the filters in which the given positions, shape (n, k), are set."""
    width = n_words(hash_bits) * 64
    masks = np.zeros((len(positions), width // 64), dtype=np.uint64)
    step = max(1, _SCATTER_BYTES // width)
    for start in range(0, len(positions), step):
        some = positions[start : start + step]
        bits = np.zeros((len(some), width), dtype=np.uint8)
        bits[np.arange(len(some))[:, None], some] = 1
        masks[start : start + step] = np.packbits(bits, axis=1).view(np.uint64)
    return masks


def unions(masks: Masks, members: Rows) -> Masks:
    """Return the union of each row of members."""
    n_unions, n_members = members.shape
    if n_members > _MANY_TOKENS:
        reduced = [np.bitwise_or.reduce(masks[np.unique(some)], axis=0) for some in members]
        return np.array(reduced, dtype=np.uint64).reshape(n_unions, masks.shape[1])
    united = np.zeros((n_unions, masks.shape[1]), dtype=np.uint64)
    for place in range(n_members):
        united |= masks[members[:, place]]
    return united


def with_room(masks: Masks, n_rows: int) -> Masks:
    """Return `masks` with at least `n_rows` rows, the new ones empty."""
    if n_rows <= len(masks):
        return masks
    grown = np.zeros((max(n_rows, 2 * len(masks)), masks.shape[1]), dtype=np.uint64)
    grown[: len(masks)] = masks
    return grown
