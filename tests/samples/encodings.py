"""Encodings for tests: near-duplicates in hypothesis, and larger seeded sets."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

THRESHOLDS = st.one_of(
    st.sampled_from([Fraction(n, 100) for n in (1, 50, 59, 65, 70, 75, 80, 85, 90, 95, 100)]),
    st.fractions(Fraction(1, 1000), 1, max_denominator=10**9),
)


@st.composite
def encodings(draw: st.DrawFn, n_bits: int, max_size: int = 12) -> list[int]:
    """A few prototypes with a few bits changed, so that many pairs lie near any threshold."""
    full = (1 << n_bits) - 1
    prototypes = [*draw(st.lists(st.integers(0, full), min_size=1, max_size=3)), 0, full]
    flips = st.lists(st.integers(0, n_bits - 1), max_size=12)
    rows = draw(st.lists(st.tuples(st.sampled_from(prototypes), flips), max_size=max_size))
    return [_flip(prototype, bits) for prototype, bits in rows]


def _flip(encoding: int, bits: list[int]) -> int:
    for bit in bits:
        encoding ^= 1 << bit
    return encoding


def boundary_pair(rng: np.random.Generator, n_bits: int, common: int, total: int) -> tuple:
    """Two encodings as 0/1 rows with exactly these common bits and this sum of set bits."""
    n_left = int(rng.integers(max(common, total - n_bits), min(n_bits, total - common) + 1))
    order = rng.permutation(n_bits)
    left, right = np.zeros(n_bits, dtype=np.uint8), np.zeros(n_bits, dtype=np.uint8)
    left[order[:n_left]] = 1
    right[order[:common]] = 1
    right[order[n_left : n_left + total - n_left - common]] = 1
    return left, right


def seeded_rows(
    n: int, n_bits: int, fill: float, *, seed: int, share_close: float = 0.5, noise: float = 0.04
) -> tuple[np.ndarray, np.ndarray]:
    """Two files as packed bytes; a share of the right rows are noisy copies of left rows."""
    rng = np.random.default_rng(seed)
    left = rng.random((n, n_bits)) < fill
    right = rng.random((n, n_bits)) < fill
    n_close = int(n * share_close)
    copies = rng.permutation(n)[:n_close]
    right[:n_close] = left[copies] ^ (rng.random((n_close, n_bits)) < noise)
    rng.shuffle(right)
    return np.packbits(left, axis=1), np.packbits(right, axis=1)
