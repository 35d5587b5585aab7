"""How short a signature to compare: short enough to be fast, long enough to rule out most pairs."""

from __future__ import annotations

import functools

import numpy as np

from app.extras.exhaustive.comparison import prepare_comparison
from app.extras.exhaustive.kernel import Kernel
from app.extras.exhaustive.limits import Limits
from app.extras.exhaustive.words import Words

# Below this many pairs a sample costs more than it saves.
_FROM_PAIRS = 1 << 22
# 262,144 pairs: a share of survivors of 1 in 10,000, which is what matters, is seen within a fifth.
_SAMPLE_ROWS = 512


def choose_fold(left: Words, right: Words | None, limits: Limits, kernel: Kernel) -> int:
    """Return the number of 32-bit words of the signature that should cost least, from a sample.

    The cost falls with the width while too many pairs survive, and rises once hardly any do; the
    search goes over widths some way apart, then over their neighbours. The choice changes how
    long a comparison takes, never what it returns.
    """
    other = left if right is None else right
    n_full: int = left.shape[1] * 2
    if len(left) * len(other) < _FROM_PAIRS:
        return n_full
    # One file with itself: two samples of different rows.
    rows = _every_nth(left, 0)
    columns = _every_nth(other, 1 if right is None else 0)
    sample = prepare_comparison(rows, columns, limits, n_full)
    n_pairs = len(rows) * len(columns)

    @functools.cache
    def cost(width: int) -> float:
        share = kernel.open(sample.refold(width)).count_survivors() / n_pairs
        return width + kernel.survivor_cost * share

    step = max(1, n_full // 8 // kernel.fold_step) * kernel.fold_step
    best: int = min((*range(step, n_full, step), n_full), key=cost)
    while step > kernel.fold_step:
        step = max(1, step // 2 // kernel.fold_step) * kernel.fold_step
        near = (best - step, best, best + step)
        best = min((w for w in near if kernel.fold_step <= w <= n_full), key=cost)
    return best


def _every_nth(words: Words, offset: int) -> Words:
    step = max(1, len(words) // _SAMPLE_ROWS)
    return np.ascontiguousarray(words[min(offset, step - 1) :: step][:_SAMPLE_ROWS])
