"""What a kernel is: the same pairs from every one, at different speeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from app.extras.exhaustive.comparison import Comparison, Found


class OpenComparison(Protocol):
    """A comparison laid out for a kernel; threads may share it."""

    def find_pairs(self, start: int, stop: int) -> Iterator[Found]:
        """Yield the pairs of left rows start..stop with any right row that reach the threshold."""

    def count_survivors(self) -> int:
        """Return the number of pairs that the signatures do not rule out."""


class Kernel(Protocol):
    """A way to compare.

    Attributes:
        name: the name in reports.
        fold_step: signatures are any multiple of this many 32-bit words.
        survivor_cost: what a pair costs that its signature does not rule out, in signature words
            of one pair; steers the fold, never the result.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def fold_step(self) -> int: ...  # noqa: D102
    @property
    def survivor_cost(self) -> float: ...  # noqa: D102

    def open(self, comparison: Comparison) -> OpenComparison:
        """Return the comparison laid out for this kernel."""
