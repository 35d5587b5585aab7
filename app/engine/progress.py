"""Honest progress: comparisons done, at what rate, and how long the rest takes at that rate."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        n_done: comparisons done, including those of earlier attempts.
        n_total: comparisons of the whole plan.
        elapsed_s: seconds of this attempt.
        comparisons_per_s: rate of this attempt; None before its first block is done.
        left_s: seconds that the rest takes at that rate; None while the rate is unknown.
    """

    n_done: int
    n_total: int
    elapsed_s: float
    comparisons_per_s: float | None
    left_s: float | None


class ProgressMeter:
    """Measures the rate of one attempt at a plan."""

    def __init__(
        self, n_total: int, *, n_before: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._n_total = n_total
        self._n_before = n_before
        self._n_done = n_before
        self._clock = clock
        self._started = clock()

    def advance(self, n_comparisons: int) -> Progress:
        """Count `n_comparisons` more as done and return the progress."""
        return self.reach(self._n_done + n_comparisons)

    def reach(self, n_done: int) -> Progress:
        """Return the progress where so many comparisons are done, those of before and of others among them."""
        self._n_done = n_done
        elapsed_s = self._clock() - self._started
        n_now = self._n_done - self._n_before
        rate = n_now / elapsed_s if n_now and elapsed_s > 0 else None
        return Progress(
            n_done=self._n_done,
            n_total=self._n_total,
            elapsed_s=elapsed_s,
            comparisons_per_s=rate,
            left_s=None if rate is None else (self._n_total - self._n_done) / rate,
        )
