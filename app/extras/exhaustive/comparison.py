"""A comparison made ready for a kernel: limits, and both sides sorted and folded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive.fold import fold
from app.extras.exhaustive.limits import Limits
from app.extras.exhaustive.words import Words, count_bits

Found: TypeAlias = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint16]]
"""Pairs as (left row, right row, common bits), rows counted in the sorted sides."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Side:
    """One side of a comparison.

    Attributes:
        words: the encodings in increasing number of set bits, shape (n, n_words).
        counts: int32, set bits of each, never decreasing.
        order: uint32, the index that each row had before sorting.
        folded: uint32, shape (n, fold_words).
    """

    words: Words
    counts: NDArray[np.int32]
    order: NDArray[np.uint32]
    folded: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.words)

    def refold(self, fold_words: int) -> Side:
        """Return this side with signatures of another width."""
        return replace(self, folded=fold(self.words, fold_words))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison:
    """Two sides to compare, all pairs, at one threshold.

    Attributes:
        left: the side whose rows are dealt out to tasks.
        right: the other side; the same object if `is_triangle`.
        limits: the threshold.
        is_triangle: one set with itself; only pairs whose right row comes after the left row.
    """

    left: Side
    right: Side
    limits: Limits
    is_triangle: bool

    def refold(self, fold_words: int) -> Comparison:
        """Return this comparison with signatures of another width."""
        left = self.left.refold(fold_words)
        right = left if self.is_triangle else self.right.refold(fold_words)
        return replace(self, left=left, right=right)


def prepare_comparison(
    left: Words, right: Words | None, limits: Limits, fold_words: int
) -> Comparison:
    """Return the comparison of two sets of encodings, or of one with itself if `right` is None."""
    left_side = prepare_side(left, fold_words)
    right_side = left_side if right is None else prepare_side(right, fold_words)
    return Comparison(left_side, right_side, limits, is_triangle=right is None)


def prepare_side(words: Words, fold_words: int) -> Side:
    """Return `words` sorted by set bits and folded to `fold_words` 32-bit words."""
    counts = count_bits(words)
    order = np.argsort(counts, kind="stable")
    ordered = np.ascontiguousarray(words[order])
    return Side(
        words=ordered,
        counts=counts[order].astype(np.int32),
        order=order.astype(np.uint32),
        folded=fold(ordered, fold_words),
    )
