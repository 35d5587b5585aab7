"""Candidate pairs: the meetings of two files, each pair of records once, by its best cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.join import join_rows
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.rows import Rows

MEETING: Final = np.dtype(
    [
        ("smaller", "<u4"),  # record
        ("larger", "<u4"),
        ("code", "<i8"),  # comparison pattern
        ("row_smaller", "<i8"),  # place of the row in its container
        ("row_larger", "<i8"),
    ]
)

# Sorting takes several times the memory of what is sorted, so it is done in lots of records.
_LOTS: Final = 64
# Of one lot; 32 bytes each.
_WAITING: Final = 1 << 13

Met = NDArray[np.void]
"""Meetings or pairs, dtype `MEETING`, shape (n,)."""


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of one container in a range of tokens, and the place of the first in the container."""

    rows: Rows
    first_row: int


def meet(smaller: Window, larger: Window, rules: LevelRules) -> Met:
    """Return what meets in one range of tokens, with its comparison pattern."""
    meetings = join_rows(smaller.rows, larger.rows)
    left, right = smaller.rows[meetings.smaller], larger.rows[meetings.larger]
    met = np.empty(len(meetings), dtype=MEETING)
    met["smaller"], met["larger"] = left["record"], right["record"]
    met["code"] = rules.codes(rules.of_rows(left, right))
    met["row_smaller"] = meetings.smaller + smaller.first_row
    met["row_larger"] = meetings.larger + larger.first_row
    return met


def best_of_all(
    meetings: Iterable[Met], rules: LevelRules, scores: Sequence[Sequence[int]], n_smaller: int
) -> tuple[Met, int]:
    """Return each pair of some ranges once, as `best_of_pairs` does, and how many meetings there were.

    What is held is the pairs so far and some of the meetings, whatever number there are of these.

    Args:
        meetings: those of each range; all of them, in any order.
        n_smaller: records of the smaller file.
    """
    n_each = -(-n_smaller // _LOTS)
    lots = [_Lot(rules, scores) for _ in range(_LOTS)]
    n_meetings = 0
    for met in meetings:
        n_meetings += len(met)
        lot = met["smaller"] // n_each
        order = np.argsort(lot, kind="stable")
        ends = np.cumsum(np.bincount(lot, minlength=_LOTS)).tolist()
        for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            lots[number].add(met[order[start:end]])
    pairs = np.empty(sum(len(lot.close()) for lot in lots), dtype=MEETING)
    end = len(pairs)
    while lots:
        some = lots.pop().best
        pairs[end - len(some) : end] = some
        end -= len(some)
    return pairs, n_meetings


class _Lot:
    """Meetings of some records, each pair kept by its best cell alone."""

    def __init__(self, rules: LevelRules, scores: Sequence[Sequence[int]]) -> None:
        self._rules, self._scores = rules, scores
        self.best: Met = np.empty(0, dtype=MEETING)
        self._waiting: list[Met] = []
        self._n_waiting = 0

    def add(self, met: Met) -> None:
        """Take all that a range has of the records."""
        self._waiting.append(met)
        self._n_waiting += len(met)
        # Seldom enough that sorting stays cheap.
        if self._n_waiting >= max(_WAITING, len(self.best)):
            self.close()

    def close(self) -> Met:
        """Return the pairs: the best of a pair is the best of the best of its parts."""
        met = np.concatenate([self.best, *self._waiting])
        self.best = best_of_pairs(met, self._rules, self._scores)
        self._waiting, self._n_waiting = [], 0
        return self.best


def best_of_pairs(met: Met, rules: LevelRules, scores: Sequence[Sequence[int]]) -> Met:
    """Return each pair once, in order of records: the cell with the highest score.

    Of cells that score alike the one with the smallest pattern, then the first row, is taken.

    Args:
        met: all meetings of some pairs: all of a pair's, in any order.
        rules: the profile's.
        scores: weight of each field and level under the shipped m.
    """
    levels = rules.levels_of(met["code"])
    score = np.zeros(len(met), dtype=np.int64)
    for number, of_level in enumerate(scores):
        score += np.array(of_level, dtype=np.int64)[levels[:, number]]
    pair = met["smaller"].astype(np.uint64) << np.uint64(32) | met["larger"]
    order = np.lexsort((met["row_smaller"], met["code"], -score, pair))
    pair = pair[order]
    is_first = np.ones(len(pair), dtype=bool)
    is_first[1:] = pair[1:] != pair[:-1]
    return met[order[is_first]]
