"""Doubles by fractions, each operation rounded by itself: what `schemas/spec/matching.md` counts with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from functools import cache


def times(a: float, b: float) -> float:
    return float(Fraction(a) * Fraction(b))


def divided(a: float, b: float) -> float:
    return float(Fraction(a) / Fraction(b))


def plus(a: float, b: float) -> float:
    return float(Fraction(a) + Fraction(b))


def exact_sum(values: Iterable[float]) -> float:
    return float(sum(map(Fraction, values), Fraction(0)))


@cache
def power_of_two(thousandths: int) -> float:
    """Return the double nearest to 2^(n / 1000): middles between doubles, to the power of 1000, against 2^n."""
    found = 2.0 ** (thousandths / 1000)
    while not _is_above(found, math.nextafter(found, math.inf), thousandths):
        found = math.nextafter(found, math.inf)
    while _is_above(math.nextafter(found, 0), found, thousandths):
        found = math.nextafter(found, 0)
    return found


def _is_above(a: float, b: float, thousandths: int) -> bool:
    """Tell whether the middle of two doubles is above 2^(n / 1000)."""
    middle = (Fraction(a) + Fraction(b)) / 2
    left = 1000 * (middle.denominator.bit_length() - 1) + thousandths
    return (middle.numerator**1000).bit_length() - 1 >= left
