"""The threshold as integer tables, so that no comparison is ever rounded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive.errors import ThresholdError


@dataclass(frozen=True, slots=True)
class Limits:
    """What a pair must satisfy to reach a threshold, for encodings of `n_bits` bits.

    Attributes:
        smallest_common: int32, by |x| + |y|: a pair is in when |x AND y| is at least this.
        largest_distance: int32, by an upper bound of |x| + |y|: no pair that is in has a larger
            Hamming distance; -1 or less where no pair can be in. Never decreases.
        smallest_partner: int32, by |x|: no encoding with fewer bits can pair with x.
        largest_partner: int32, by |x|: no encoding with more bits can pair with x.
    """

    smallest_common: NDArray[np.int32]
    largest_distance: NDArray[np.int32]
    smallest_partner: NDArray[np.int32]
    largest_partner: NDArray[np.int32]


def make_limits(threshold: Fraction, n_bits: int) -> Limits:
    """Return the tables of `threshold` for encodings of `n_bits` bits."""
    check_threshold(threshold)
    total = np.arange(2 * n_bits + 1, dtype=np.int32)
    common = np.array(smallest_common(threshold, 2 * n_bits), dtype=np.int32)
    # |x XOR y| = |x| + |y| - 2 |x AND y|. The right side goes down by one now and then as the sum
    # goes up (parity), so a bound for "any sum up to s" needs the running maximum.
    distance = np.maximum.accumulate(total - 2 * common)
    smallest, largest = _partners(threshold, n_bits)
    return Limits(common, distance, smallest, largest)


def smallest_common(threshold: Fraction, max_total: int) -> list[int]:
    """Return ceil(threshold * s / 2) by s = |x| + |y|, up to `max_total`.

    Two empty encodings never pair, so it is 1 at s = 0.
    """
    num, den = threshold.numerator, 2 * threshold.denominator
    return [1, *(-(-num * s // den) for s in range(1, max_total + 1))]


def check_threshold(threshold: Fraction) -> None:
    """Raise ThresholdError unless `threshold` is a Fraction (not a float) in (0, 1]."""
    if not isinstance(threshold, Fraction) or not 0 < threshold <= 1:
        raise ThresholdError("a threshold must be an exact fraction above 0 and at most 1")


def _partners(threshold: Fraction, n_bits: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return by |x| the smallest and largest |y| that may pair with it.

    min(|x|, |y|) >= threshold * (|x| + |y|) / 2, solved for |y| on either side of |x|. Neither
    ever decreases, so a range of |x| has the partners from its first's smallest to its last's
    largest.
    """
    num, rest = threshold.numerator, 2 * threshold.denominator - threshold.numerator
    smallest = [0, *(-(-num * x // rest) for x in range(1, n_bits + 1))]
    largest = [-1, *(min(rest * x // num, n_bits) for x in range(1, n_bits + 1))]
    return np.array(smallest, dtype=np.int32), np.array(largest, dtype=np.int32)
