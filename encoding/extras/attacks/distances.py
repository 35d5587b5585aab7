"""Attack: sharper distances, and the names behind them.

Two records meet in several cells, two of the smaller file in c places of each, and every meeting draws the
distance of their names anew. The mean of all of them says better how much the names have in common; with a list
of names it says which pairs of names come into question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.files import ClearFile, Numbers
from encoding.privacy_audit.labels import Labels
from encoding.privacy_audit.refinement import SharedCells

_SPREAD: Final = 3.3
_FEWEST: Final = 50
_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class NamePairResult:
    """How well two unequal first names were guessed from their distance.

    Attributes:
        n: pairs of records with unequal first names that met.
        error_once: error of one distance, in bits.
        error_mean: error of the mean over all cells of a pair.
        right: part of the pairs whose two names were guessed rightly, by distance and frequency.
        chance: part that is right without distances, by frequency alone.
    """

    n: int
    error_once: float
    error_mean: float
    right: float
    chance: float


def guess_name_pairs(
    graph: SharedCells, labels: Labels, smaller: ClearFile, larger: ClearFile, seed: int = 1
) -> NamePairResult | None:
    """Guess the first names of pairs that met; None where there are too few such pairs.

    The attacker knows the names of one half of the pairs and how often they occur, and guesses the other half.
    """
    edges = graph.between
    draws = labels.draws[0]
    common = edges.nearest[:, 0]
    unequal = np.flatnonzero((common >= 0) & (common < draws))
    if len(unequal) < _FEWEST:
        return None
    expected = labels.expected(edges.nearest[unequal])[:, 0]
    drawn, n_cells = edges.distance[unequal, 0], edges.n_cells[unequal]
    off = drawn - expected
    once = n_cells == 1
    names = _name_pairs(smaller, larger, edges.left[unequal], edges.right[unequal])
    right, chance = _guessed(names, expected, drawn, n_cells, seed)
    return NamePairResult(
        len(unequal), _root_mean(off[once]), _root_mean(off[~once]), right, chance
    )


def _name_pairs(
    smaller: ClearFile, larger: ClearFile, left: Numbers, right: Numbers
) -> NDArray[np.int64]:
    """Return a number for each two names, whatever their order."""
    ours = np.array([smaller.columns["first_name"][at] for at in smaller.main.tolist()])[left]
    theirs = np.array([larger.columns["first_name"][at] for at in larger.main.tolist()])[right]
    is_before = (ours < theirs)[:, None]
    pair = np.where(is_before, np.stack([ours, theirs], 1), np.stack([theirs, ours], 1))
    _, number = np.unique(pair, axis=0, return_inverse=True)
    return number.reshape(-1).astype(np.int64)


def _guessed(
    names: Numbers,
    expected: NDArray[np.float32],
    drawn: NDArray[np.float32],
    n_cells: Numbers,
    seed: int,
) -> tuple[float, float]:
    order = np.random.default_rng(seed).permutation(len(names))
    known, asked = order[: len(order) // 2], order[len(order) // 2 :]
    kinds, first, counts = np.unique(names[known], return_index=True, return_counts=True)
    prior = np.log(counts)
    by_distance = expected[known][first]
    best = np.empty(len(asked), dtype=np.intp)
    # In files of millions, tens of thousands are asked and as many kinds known.
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        off = (drawn[some][:, None] - by_distance) ** 2 * n_cells[some][:, None]
        best[start : start + _AT_ONCE] = (prior - off / (2 * _SPREAD**2)).argmax(axis=1)
    right = float((kinds[best] == names[asked]).mean())
    return right, float((kinds[counts.argmax()] == names[asked]).mean())


def _root_mean(off: NDArray[np.float32]) -> float:
    return float(np.sqrt((off**2).mean())) if len(off) else 0.0
