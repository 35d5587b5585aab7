"""The linear assignment problem: one column for each row, at the greatest total gain.

Shortest augmenting paths over dual prices, after Jonker and Volgenant (1987), "A Shortest Augmenting Path
Algorithm for Dense and Sparse Linear Assignment Problems"; the search of a path looks at a whole row at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Gain = NDArray[np.float64]


def assign(gain: Gain) -> NDArray[np.intp]:
    """Return the column of each row, all different, whose gains have the greatest sum."""
    if not len(gain):
        return np.empty(0, dtype=np.intp)
    cost = gain.max(axis=1, keepdims=True) - gain
    price = cost.min(axis=0)
    row_of, column_of = _reduce_columns(cost, price)
    for row in np.flatnonzero(column_of < 0).tolist():
        _augment(cost, price, row_of, column_of, row)
    return column_of


def _reduce_columns(cost: Gain, price: Gain) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give rows a cheapest column of theirs that is free, at prices under which every reduced cost is >= 0."""
    n = len(cost)
    row_of = np.full(n, -1, dtype=np.intp)
    column_of = np.full(n, -1, dtype=np.intp)
    best = (cost - price).argmin(axis=1)
    for row in range(n):
        column = best[row]
        if row_of[column] < 0:
            row_of[column], column_of[row] = row, column
    return row_of, column_of


def _augment(
    cost: Gain, price: Gain, row_of: NDArray[np.intp], column_of: NDArray[np.intp], start: int
) -> None:
    """Find the shortest way from a free row to a free column, reassign along it, and adjust the prices."""
    n = len(cost)
    length = cost[start] - price
    before = np.full(n, start, dtype=np.intp)
    is_open = np.ones(n, dtype=bool)
    reached: list[int] = []
    while True:
        at = int(np.where(is_open, length, np.inf).argmin())
        shortest = length[at]
        is_open[at] = False
        row = row_of[at]
        if row < 0:
            break
        reached.append(at)
        through = shortest + (cost[row] - price) - (cost[row, at] - price[at])
        is_shorter = is_open & (through < length)
        length[is_shorter] = through[is_shorter]
        before[is_shorter] = row
    price[reached] += length[reached] - shortest
    while True:
        row = before[at]
        row_of[at] = row
        column_of[row], at = at, column_of[row]
        if row == start:
            return
