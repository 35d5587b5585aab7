"""Encodings that are nearly the same, as variants and corrections of a record make them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.linear_code import PackedBits

# Strangers differ in half of the output bits, give or take some hundredths.
_NEAR = 0.35
_BLOCK_ROWS = 512


def near_pairs(encodings: PackedBits) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of every two encodings that differ in at most 35 % of their bits, but in some."""
    signs = np.unpackbits(encodings, axis=1).astype(np.float32) * 2 - 1
    n_bits = signs.shape[1]
    found = []
    for start in range(0, len(signs), _BLOCK_ROWS):
        distance = (n_bits - signs[start : start + _BLOCK_ROWS] @ signs.T) / 2
        one, other = np.nonzero((distance > 0) & (distance <= _NEAR * n_bits))
        is_upper = one + start < other
        found.append((one[is_upper] + start, other[is_upper]))
    if not found:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    ones, others = zip(*found, strict=True)
    return np.concatenate(ones), np.concatenate(others)
