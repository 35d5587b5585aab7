"""Candidate pairs: the meetings of two files, each pair of records once, by its best cell."""

from __future__ import annotations

from collections.abc import Sequence
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
