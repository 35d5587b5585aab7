"""How far a pair is ahead of the best other pair of either of its records, though pairs come lot by lot."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

NO_RIVAL: Final = np.iinfo(np.int64).min
# Pairs that are looked at together: of all at once, what is only looked at would take as much memory as they.
_AT_ONCE: Final = 1 << 20

Records = NDArray[np.uint32]
Totals = NDArray[np.int64]


class BestTwo:
    """The two highest totals of some records, of pairs in any order; `NO_RIVAL` where there is none."""

    def __init__(self, records: Records) -> None:
        """Begin without pairs; `records` may stand several times, in any order."""
        self._records = np.unique(records)
        self._best = np.full(len(self._records), NO_RIVAL, dtype=np.int64)
        self._second = self._best.copy()

    def add(self, record: Records, total: Totals) -> None:
        """Take the total weights of some pairs; those of other records count for nothing."""
        if not len(self._records) or not len(record):
            return
        at = np.minimum(np.searchsorted(self._records, record), len(self._records) - 1)
        known = self._records[at] == record
        at, total = at[known], total[known]
        order = np.lexsort((-total, at))
        at, total = at[order], total[order]
        starts = np.flatnonzero(np.r_[True, at[1:] != at[:-1]][: len(at)])
        lengths = np.diff(starts, append=len(at))
        best = total[starts]
        # Beyond the end only where the last one stands alone.
        after = np.minimum(starts + 1, len(at) - 1)
        second = np.where(lengths > 1, total[after], NO_RIVAL)
        here = at[starts]
        beaten = np.minimum(self._best[here], best)
        self._best[here] = np.maximum(self._best[here], best)
        self._second[here] = np.maximum(beaten, np.maximum(self._second[here], second))

    def rivals(self, record: Records, total: Totals) -> Totals:
        """Return the highest total of another pair of each pair's record."""
        found = np.empty(len(record), dtype=np.int64)
        for start in range(0, len(record), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            at = np.searchsorted(self._records, record[some])
            is_best = total[some] == self._best[at]
            found[some] = np.where(is_best, self._second[at], self._best[at])
        return found


def lead(total: Totals, rival: Totals) -> Totals:
    """Return how far totals are ahead of their best rival; `NO_RIVAL` where there is none."""
    # The difference itself is no number of 64 bits there.
    has_rival = rival != NO_RIVAL
    ahead = total - np.where(has_rival, rival, 0)
    ahead[~has_rival] = NO_RIVAL
    return ahead
