"""The slow, obvious twin of the matching kernels: Python integers and fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np


class Pair(NamedTuple):
    left: int
    right: int
    common: int
    total: int

    @property
    def similarity(self) -> Fraction:
        return Fraction(2 * self.common, self.total) if self.total else Fraction(0)


def compare(x: int, y: int, left: int, right: int) -> Pair:
    return Pair(left, right, (x & y).bit_count(), x.bit_count() + y.bit_count())


def in_order(pairs: Sequence[Pair]) -> list[Pair]:
    return sorted(pairs, key=lambda pair: (-pair.similarity, pair.left, pair.right))


def all_pairs(left: Sequence[int], right: Sequence[int], threshold: Fraction) -> list[Pair]:
    pairs = [compare(x, y, i, j) for i, x in enumerate(left) for j, y in enumerate(right)]
    return in_order([pair for pair in pairs if pair.similarity >= threshold])


def all_duplicates(encodings: Sequence[int], threshold: Fraction) -> list[Pair]:
    return [pair for pair in all_pairs(encodings, encodings, threshold) if pair.left < pair.right]


def as_bytes(encodings: Sequence[int], n_bytes: int) -> np.ndarray:
    rows = b"".join(encoding.to_bytes(n_bytes, "little") for encoding in encodings)
    return np.frombuffer(rows, dtype=np.uint8).reshape(len(encodings), n_bytes)
