"""All pairs of two sets of encodings at or above a threshold."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction

import numpy as np

from app.extras.exhaustive.candidates import Candidates, join_candidates, sort_candidates
from app.extras.exhaustive.comparison import prepare_comparison
from app.extras.exhaustive.errors import PairCapError
from app.extras.exhaustive.fold_choice import choose_fold
from app.extras.exhaustive.kernel import Kernel
from app.extras.exhaustive.kernels import AUTO, load_kernel
from app.extras.exhaustive.limits import make_limits
from app.extras.exhaustive.words import Words, check_same_width

# Left rows that one task compares with all right rows: enough tasks to keep threads busy to the
# end, each long enough that starting it costs nothing.
STRIP_ROWS = 2048


def dice_candidates(
    left: Words,
    right: Words,
    threshold: Fraction,
    *,
    kernel: str = AUTO,
    n_threads: int = 1,
    max_pairs: int | None = None,
) -> Candidates:
    """Return every pair whose Dice similarity is at least `threshold`.
    Source: Schnell, Bachteler and Reiher (2011), "A Novel Error-Tolerant Anonymous Linking Code".
    """
    check_same_width(left, right)
    run = _Run(left, right, threshold, load_kernel(kernel), _Budget(max_pairs, threshold))
    return run.pairs(n_threads)


class _Run:
    """One comparison on its way through a kernel."""

    def __init__(
        self,
        left: Words,
        right: Words,
        threshold: Fraction,
        kernel: Kernel,
        budget: _Budget,
    ) -> None:
        limits = make_limits(threshold, left.shape[1] * 64)
        fold_words = choose_fold(left, right, limits, kernel)
        self._comparison = prepare_comparison(left, right, limits, fold_words)
        self._opened = kernel.open(self._comparison)
        self._budget = budget

    def pairs(self, n_threads: int) -> Candidates:
        """Compare all strips and return the pairs sorted."""
        starts = range(0, len(self._comparison.left), STRIP_ROWS)
        if n_threads <= 1 or len(starts) <= 1:
            return sort_candidates(join_candidates([self._strip(start) for start in starts]))
        with ThreadPoolExecutor(n_threads) as threads:
            strips: list[Future[Candidates]] = [threads.submit(self._strip, s) for s in starts]
            try:
                return sort_candidates(join_candidates([strip.result() for strip in strips]))
            finally:
                for strip in strips:
                    strip.cancel()

    def _strip(self, start: int) -> Candidates:
        """Return the pairs of one strip of left rows, in the caller's indexes, unsorted."""
        left, right = self._comparison.left, self._comparison.right
        found = []
        stop = min(start + STRIP_ROWS, len(left))
        for rows, columns, common in self._opened.find_pairs(start, stop):
            self._budget.spend(len(rows))
            total = (left.counts[rows] + right.counts[columns]).astype(np.uint16)
            found.append(Candidates(left.order[rows], right.order[columns], common, total))
        return join_candidates(found)


class _Budget:
    """Counts pairs over all threads and stops them above the cap."""

    def __init__(self, max_pairs: int | None, threshold: Fraction) -> None:
        self._max_pairs = max_pairs
        self._threshold = threshold
        self._spent = 0
        self._lock = threading.Lock()

    def spend(self, n_pairs: int) -> None:
        if self._max_pairs is None:
            return
        with self._lock:
            self._spent += n_pairs
            if self._spent > self._max_pairs:
                raise PairCapError.above(self._max_pairs, self._threshold)
