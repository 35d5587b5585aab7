"""The pairs of a run, each once, in lots of records that need not be in memory together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.bins import Bins, Shelf, with_columns
from app.matching.blocks.pairs import PAIR, Met


class PairLots:
    """Meetings that are added in any order, then the pairs, lot after lot, in order of records.

    All pairs of a record of the smaller file are in one lot.
    """

    def __init__(self, best: Callable[[Met], Met], n_smaller: int, shelf: Shelf) -> None:
        """Begin without meetings.

        Args:
            best: makes one of the meetings of a pair, and pairs come in order of records; the best of the best
                of its parts is the best of a whole.
            n_smaller: records of the smaller file, at least 1.
            shelf: where meetings and pairs wait.
        """
        self._bins = Bins(PAIR, "smaller", n_smaller, shelf, best)
        self.n_meetings = 0

    def add(self, met: Met) -> None:
        """Take meetings."""
        self.n_meetings += len(met)
        self._bins.add(with_columns(met, PAIR))

    def close(self, is_out: Callable[[Met], NDArray[np.bool_]]) -> int:
        """Make pairs of all meetings, leave some out, and return how many; nothing is added afterwards."""
        n_out = 0

        def without(pairs: Met) -> Met:
            nonlocal n_out
            out = is_out(pairs)
            n_out += int(out.sum())
            return pairs[~out]

        self._bins.rewrite(without)
        return n_out

    def __iter__(self) -> Iterator[Met]:
        """Yield the pairs of each lot, once it is closed; again and again, if wanted."""
        return iter(self._bins)
