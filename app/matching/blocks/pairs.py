"""Candidate pairs: the meetings of two files, each pair of records once.

A pair is compared by its best meeting, and known by its first: what a recipient learns of a pair, where it met
among other things, does not hang on which of its rows came nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.levels import LevelRules
from app.matching.blocks.rows import Rows, join_rows

MEETING: Final = np.dtype(
    [
        ("smaller", "<u4"),  # record
        ("larger", "<u4"),
        ("code", "<i8"),  # comparison pattern
        ("row_smaller", "<i8"),  # place of the row in its container
        ("row_larger", "<i8"),
    ]
)

PAIR: Final = np.dtype(
    [
        *MEETING.descr,
        # Whether its meetings differ in a field that is compared by tags alone.
        ("is_unsteady", "?"),
    ]
)

Met = NDArray[np.void]
"""Meetings, dtype `MEETING`, or pairs, dtype `PAIR`; shape (n,)."""


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
    """Return each pair once, in order of records: its highest-scoring pattern, its first meeting's rows.

    Of patterns that score alike the smallest is taken. The first meeting is that of the smallest token. So an
    agency that puts other values into each row of a record cannot read from its release which came nearest.

    Args:
        met: meetings of some pairs, dtype `PAIR`, or what this function made of parts of them; in any order.
        rules: the profile's.
        scores: weight of each field and level under the shipped m.
    """
    levels = rules.levels_of(met["code"])
    score = np.zeros(len(met), dtype=np.int64)
    for number, of_level in enumerate(scores):
        score += np.array(of_level, dtype=np.int64)[levels[:, number]]
    pair = met["smaller"].astype(np.uint64) << np.uint64(32) | met["larger"]
    order = np.lexsort((met["code"], -score, pair))
    met, pair, levels = met[order], pair[order], levels[order][:, rules.of_tags]
    is_first = np.ones(len(pair), dtype=bool)
    is_first[1:] = pair[1:] != pair[:-1]
    starts = np.flatnonzero(is_first)
    found = met[starts]
    if len(starts):
        # Both containers are in order of tokens, so that the first rows of both are of one token.
        for rows in ("row_smaller", "row_larger"):
            found[rows] = np.minimum.reduceat(met[rows], starts)
        differs = np.maximum.reduceat(levels, starts) != np.minimum.reduceat(levels, starts)
        found["is_unsteady"] = np.logical_or.reduceat(met["is_unsteady"], starts) | differs.any(
            axis=1
        )
    return found
