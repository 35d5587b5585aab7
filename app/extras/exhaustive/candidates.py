"""Candidate pairs: what the kernels find and the solvers read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FIELDS: tuple[tuple[str, str], ...] = (
    ("left", "<u4"),
    ("right", "<u4"),
    ("common", "<u2"),
    ("total", "<u2"),
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Candidates:
    """Pairs at or above a threshold, in decreasing similarity, then by left, then by right.

    Similarity is exactly 2 * common / total, and 0 where total is 0.

    Attributes:
        left: uint32, index on the left side.
        right: uint32, index on the right side.
        common: uint16, bits set in both encodings.
        total: uint16, bits set in one plus bits set in the other.
    """

    left: NDArray[np.uint32]
    right: NDArray[np.uint32]
    common: NDArray[np.uint16]
    total: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.left)

    def similarity(self) -> NDArray[np.float64]:
        """Return the similarity of each pair, correctly rounded."""
        return dice(self.common, self.total)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Candidates:
        """Return the pairs at `index`, in that order."""
        return Candidates(
            self.left[index], self.right[index], self.common[index], self.total[index]
        )


def dice(common: NDArray[np.uint16], total: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Return 2 * common / total as doubles, 0 where total is 0.

    Sorting these doubles sorts the fractions: two different fractions with denominators up to 8,192
    differ by more than 2**-26, and equal ones round to the same double.
    """
    return 2.0 * common / np.maximum(total, 1)


def similarity_code(common: NDArray[np.uint16], total: NDArray[np.uint16]) -> NDArray[np.uint32]:
    """Return integers that order these pairs by exact similarity; equal ones have equal codes.

    Codes of one call can be compared with each other only: fractions with denominators up to T
    differ by more than 1 / T**2, so T**2 steps tell them apart, and fewer bits sort faster.
    """
    n_bits = 2 * int(total.max(initial=1)).bit_length()
    steps = (common.astype(np.uint64) << np.uint64(n_bits)) // np.maximum(total, 1)
    return steps.astype(np.uint32)


def join_candidates(parts: Sequence[Candidates]) -> Candidates:
    """Return the pairs of all parts one after the other, unsorted."""
    return Candidates(
        *(
            np.concatenate([np.empty(0, dtype), *(getattr(part, name) for part in parts)])
            for name, dtype in _FIELDS
        )
    )


def sort_candidates(pairs: Candidates) -> Candidates:
    """Return the pairs in the total order of `Candidates`."""
    if len(pairs) == 0:
        return pairs
    code = similarity_code(pairs.common, pairs.total)
    rank = code.max() - code
    n_left, n_right = (int(side.max()).bit_length() for side in (pairs.left, pairs.right))
    if int(rank.max()).bit_length() + n_left + n_right > 64:
        return pairs.take(np.lexsort((pairs.right, pairs.left, rank)))
    # All three keys in one integer sort several times faster than one after the other.
    key = rank.astype(np.uint64)
    for side, n_bits in ((pairs.left, n_left), (pairs.right, n_right)):
        key <<= np.uint64(n_bits)
        key |= side
    return pairs.take(np.argsort(key))
