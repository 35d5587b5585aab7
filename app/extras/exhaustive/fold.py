"""Short signatures of encodings, which rule out most pairs without a full comparison.

Folding bounds the Hamming distance from below. Write the fold of x as F(x): bit j of F(x) is the
exclusive or of the bits of x at all positions that map to j. F is linear over GF(2), so
F(x) ^ F(y) = F(x ^ y); and each set bit of F(x ^ y) needs at least one set bit of x ^ y among the
positions that map to it, positions that no other bit uses. Hence

    |F(x) ^ F(y)| <= |x ^ y| = |x| + |y| - 2 |x AND y|,

whatever the positions and the width. A pair whose folded distance is above the largest distance
that the threshold allows cannot be in; every other pair is counted exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive.words import Words


def fold(words: Words, fold_words: int) -> NDArray[np.uint32]:
    """Return signatures of `fold_words` 32-bit words: word i of x goes to word i mod fold_words."""
    narrow = words.view(np.uint32)
    folded = narrow[:, :fold_words].copy()
    for start in range(fold_words, narrow.shape[1], fold_words):
        chunk = narrow[:, start : start + fold_words]
        folded[:, : chunk.shape[1]] ^= chunk
    return folded
