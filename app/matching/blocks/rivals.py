"""How far a pair is ahead of the best other pair of either of its records, though pairs come lot by lot."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

NO_RIVAL: Final = np.iinfo(np.int64).min

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
        """Return the highest total of another pair of each pair's record.

        Args:
            record: of pairs that were added.
            total: of each of them.
        """
        at = np.searchsorted(self._records, record)
        return np.where(total == self._best[at], self._second[at], self._best[at])


def lead(total: Totals, rival: Totals) -> Totals:
    """Return how far totals are ahead of their best rival; `NO_RIVAL` where there is none."""
    # Not the difference itself, which is no number of 64 bits there.
    has_rival = rival != NO_RIVAL
    return np.where(has_rival, total - np.where(has_rival, rival, 0), NO_RIVAL)
