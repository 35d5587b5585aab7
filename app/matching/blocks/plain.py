"""Columns of millions of numbers, as numbers of Python, few of which are there at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from numpy.typing import NDArray

_AT_ONCE: Final = 1 << 16


def plain_numbers(column: NDArray[Any]) -> Iterator[int]:
    """Yield the numbers of an integer array of shape (n,); a list of them would take five times its memory."""
    starts = range(0, len(column), _AT_ONCE)
    return chain.from_iterable(column[start : start + _AT_ONCE].tolist() for start in starts)
