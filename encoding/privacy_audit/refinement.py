"""Attack: tell records apart by nothing but their place in the graph of shared cells.

Colour refinement: a record's colour says which labels lead to records of which colours, again and again.
Anyone who knows both files exactly can name a record whose colour no other has. From one round to the next a
record is followed if its colour is there once in both. Source: Weisfeiler and Leman (1968).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.files import Numbers
from encoding.privacy_audit.graph import Digests, Edges, mixed, sum_at, times_seen

DEPTH: Final = 4
_WITHIN: Final = np.uint64(0x5555555555555555)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SharedCells:
    """The graph of two files.

    Attributes:
        n_smaller: records of the smaller file.
        n_larger: records of the larger file.
        between: edges from the smaller to the larger file.
        within: edges between records of the smaller file.
    """

    n_smaller: int
    n_larger: int
    between: Edges
    within: Edges


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Colours:
    """A colour a record of each file; 0 is that of a record without an edge, which cannot be told apart."""

    smaller: Digests
    larger: Digests


@dataclass(frozen=True, slots=True)
class ShapeResult:
    """How many records of each file were told apart, or followed, and by how many rounds of refinement.

    `strangers` is the part of the larger file that was followed and is not in the smaller one.
    """

    smaller: float
    larger: float
    depth: int
    strangers: float = 0.0


def refine(graph: SharedCells, depth: int) -> Colours:
    """Return the colours after so many rounds; after none all records of a file have the same."""
    smaller = np.full(graph.n_smaller, 1, dtype=np.uint64)
    larger = np.full(graph.n_larger, 2, dtype=np.uint64)
    between, within = graph.between, graph.within
    for _ in range(depth):
        around = sum_at(
            between.left, mixed(between.label ^ mixed(larger[between.right])), graph.n_smaller
        )
        label = within.label ^ _WITHIN
        for one, other in ((within.left, within.right), (within.right, within.left)):
            around += sum_at(one, mixed(label ^ mixed(smaller[other])), graph.n_smaller)
        beside = sum_at(
            between.right, mixed(between.label ^ mixed(smaller[between.left])), graph.n_larger
        )
        smaller, larger = _next(smaller, around), _next(larger, beside)
    return Colours(smaller, larger)


def tell_apart(graph: SharedCells) -> ShapeResult:
    """Return which part of each file has a colour of its own, where both files are known exactly."""
    colours = refine(graph, DEPTH)
    shares = [
        float(((times_seen(colour) == 1) & (colour != 0)).mean()) if len(colour) else 0.0
        for colour in (colours.smaller, colours.larger)
    ]
    return ShapeResult(shares[0], shares[1], DEPTH)


def follow(
    before: SharedCells,
    after: SharedCells,
    smaller: Numbers,
    larger: Numbers,
    is_stranger: NDArray[np.bool_],
) -> ShapeResult:
    """Return which part of each file is followed rightly from one round to the next."""
    best = ShapeResult(0.0, 0.0, 0)
    for depth in range(1, DEPTH + 1):
        one, other = refine(before, depth), refine(after, depth)
        ours = _followed(one.smaller, other.smaller, smaller)
        theirs = _followed(one.larger, other.larger, larger)
        found = ShapeResult(
            float(ours.mean()),
            float(theirs.mean()),
            depth,
            float((theirs & is_stranger).mean()),
        )
        best = max(best, found, key=lambda result: (result.smaller + result.larger, -result.depth))
    return best


def unique_partners(one: Digests, other: Digests) -> tuple[Numbers, Numbers]:
    """Return the places of colours that occur exactly once on both sides."""
    first, second = (np.flatnonzero((times_seen(side) == 1) & (side != 0)) for side in (one, other))
    _, left, right = np.intersect1d(one[first], other[second], return_indices=True)
    return first[left], second[right]


def _followed(one: Digests, other: Digests, truth: Numbers) -> NDArray[np.bool_]:
    left, right = unique_partners(one, other)
    found = np.zeros(len(one), dtype=bool)
    found[left] = truth[left] == right
    return found


def _next(colour: Digests, around: Digests) -> Digests:
    return np.where(around == 0, np.uint64(0), mixed(colour ^ mixed(around)))
