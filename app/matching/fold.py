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

from app.matching.limits import Limits
from app.matching.words import Words, count_bits

SAMPLE_SIDE = 128  # 16,384 pairs: a share of survivors of 1 in 1,000 is seen within a quarter
# Costs in units of one 32-bit word of one pair, measured on AVX-512 and AVX2; they steer speed only.
_COST_OF_A_PAIR = 1.5
_COST_OF_A_SURVIVOR = 150.0


def fold(words: Words, fold_words: int) -> NDArray[np.uint32]:
    """Return signatures of `fold_words` 32-bit words: word i of x goes to word i mod fold_words."""
    narrow = words.view(np.uint32)
    folded = narrow[:, :fold_words].copy()
    for start in range(fold_words, narrow.shape[1], fold_words):
        chunk = narrow[:, start : start + fold_words]
        folded[:, : chunk.shape[1]] ^= chunk
    return folded


def choose_fold(left: Words, right: Words, limits: Limits) -> int:
    """Return the number of signature words that should cost least, from a sample of pairs.

    The choice changes how long a comparison takes, never what it returns.
    """
    n_full: int = left.shape[1] * 2
    if len(left) < SAMPLE_SIDE or len(right) < SAMPLE_SIDE:
        return n_full
    left, right = _every_nth(left), _every_nth(right)
    total = count_bits(left)[:, None] + count_bits(right)[None, :]
    bound = limits.largest_distance[total]
    costs = {n_full: n_full + _COST_OF_A_PAIR}
    for width in range(2, n_full, 2):
        distance = _distances(fold(left, width), fold(right, width))
        survivors = float(np.mean(distance <= bound))
        costs[width] = width + _COST_OF_A_PAIR + _COST_OF_A_SURVIVOR * survivors
    return min(costs, key=lambda width: (costs[width], width))


def _every_nth(words: Words) -> Words:
    return np.ascontiguousarray(words[:: len(words) // SAMPLE_SIDE][:SAMPLE_SIDE])


def _distances(left: NDArray[np.uint32], right: NDArray[np.uint32]) -> NDArray[np.int32]:
    wide_left, wide_right = left.view(np.uint64), right.view(np.uint64)
    distance = np.zeros((len(left), len(right)), dtype=np.int32)
    for word in range(wide_left.shape[1]):
        distance += np.bitwise_count(wide_left[:, word, None] ^ wide_right[None, :, word])
    return distance
