"""Bands: which pairs of two files may be linked without a person's decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive.candidates import Candidates
from app.matching.exhaustive.limits import smallest_common
from app.matching.exhaustive.policy import MatchingPolicy


class Band(IntEnum):
    """What happens to a pair that the solver picks."""

    AUTO = 1
    REVIEW = 2


class Rule(IntEnum):
    """Why a pair is in its band; `label` is the name in reports."""

    MUTUAL_BEST_WITH_MARGIN = 1
    REVIEW_BAND = 2
    NOT_MUTUAL_BEST = 3
    MARGIN_TOO_SMALL = 4
    GROUP_CONFLICT = 5

    @property
    def label(self) -> str:
        """Return the rule's name as reports and match records write it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Standing:
    """How each candidate pair of two files stands among the other candidates of its two records.

    Attributes:
        rule: uint8, a `Rule`; MUTUAL_BEST_WITH_MARGIN where the pair may be linked.
        runner_up: uint32, row of the best other candidate of either record, outside the duplicate
            group of the pair's other record; the number of pairs where there is none.
    """

    rule: NDArray[np.uint8]
    runner_up: NDArray[np.uint32]


def judge_pairs(
    pairs: Candidates,
    left_duplicates: NDArray[np.uint32],
    right_duplicates: NDArray[np.uint32],
    policy: MatchingPolicy,
) -> Standing:
    """Return how each pair stands.

    Args:
        pairs: all candidates of two files, in their total order.
        left_duplicates: the duplicate group of each left record, as a label.
        right_duplicates: the same for right records.
        policy: thresholds and margin.
    """
    best_left, next_left = _two_best(
        pairs.left, right_duplicates[pairs.right], len(left_duplicates)
    )
    best_right, next_right = _two_best(
        pairs.right, left_duplicates[pairs.left], len(right_duplicates)
    )
    row = np.arange(len(pairs), dtype=np.uint32)
    is_mutual = (best_left[pairs.left] == row) & (best_right[pairs.right] == row)
    runner_up = np.minimum(
        _runner_up(pairs.left, right_duplicates[pairs.right], best_left, next_left),
        _runner_up(pairs.right, left_duplicates[pairs.left], best_right, next_right),
    )
    rule = np.full(len(pairs), Rule.NOT_MUTUAL_BEST, dtype=np.uint8)
    mutual = np.flatnonzero(is_mutual)
    is_ahead = _is_ahead(pairs, mutual, runner_up[mutual], policy.margin)
    rule[mutual] = np.where(is_ahead, Rule.MUTUAL_BEST_WITH_MARGIN, Rule.MARGIN_TOO_SMALL)
    needed = np.array(smallest_common(policy.auto, int(pairs.total.max(initial=0))))
    rule[pairs.common < needed[pairs.total]] = Rule.REVIEW_BAND
    return Standing(rule, runner_up)


def _two_best(
    record: NDArray[np.uint32], other_group: NDArray[np.uint32], n_records: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return by record the row of its best pair, and of its best pair with another group than that.

    Rows come best first; the number of rows stands for "none".
    """
    n = len(record)
    best = np.full(n_records, n, dtype=np.uint32)
    # Assigned from the last row to the first, so the first one stays.
    best[record[::-1]] = np.arange(n - 1, -1, -1, dtype=np.uint32)
    rows = np.flatnonzero(other_group != other_group[best[record]])[::-1]
    second = np.full(n_records, n, dtype=np.uint32)
    second[record[rows]] = rows
    return best, second


def _runner_up(
    record: NDArray[np.uint32],
    other_group: NDArray[np.uint32],
    best: NDArray[np.uint32],
    second: NDArray[np.uint32],
) -> NDArray[np.uint32]:
    """Return for each pair the row of its record's best pair with another group than the pair's."""
    first = best[record]
    is_same = other_group == other_group[first]
    runner_up: NDArray[np.uint32] = np.where(is_same, second[record], first)
    return runner_up


def _is_ahead(
    pairs: Candidates, rows: NDArray[np.intp], runner_up: NDArray[np.uint32], margin: Fraction
) -> NDArray[np.bool_]:
    """Return whether each row is at least `margin` more similar than its runner-up, exactly."""
    has_none = runner_up == len(pairs)
    other = np.where(has_none, 0, runner_up)
    total, other_total = (pairs.total[i].astype(np.int64) for i in (rows, other))
    common, other_common = (pairs.common[i].astype(np.int64) for i in (rows, other))
    # 2 c / t - 2 c' / t' = 2 (c t' - c' t) / (t t'); both parts stay below 2**27.
    lead, scale = 2 * (common * other_total - other_common * total), total * other_total
    is_ahead = lead / scale >= float(margin)
    # Doubles decide all but the rows within rounding of the margin; those are decided exactly.
    for i in np.flatnonzero(np.abs(lead / scale - float(margin)) < 1e-9):
        is_ahead[i] = int(lead[i]) * margin.denominator >= margin.numerator * int(scale[i])
    ahead: NDArray[np.bool_] = has_none | is_ahead
    return ahead
