"""The graph of shared cells, as a broker may draw it: records that met, and all that their meetings showed.

An edge's label is a digest of what its meetings showed for certain: which lanes are equal, which fields are not
compared, and how often the two met. How far unequal names are apart stands beside it, since a broker measures
it with an error: each meeting is one draw under a key of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.values import Lines
from encoding.privacy_audit.cells import Meetings
from encoding.privacy_audit.files import Numbers
from encoding.privacy_audit.labels import Distances, Labels, Shown

Digests = NDArray[np.uint64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_SHIFTS: Final = (np.uint64(30), np.uint64(27), np.uint64(31))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Edges:
    """Pairs of records that met, each once, in order.

    Attributes:
        left: a record of the smaller file (or the one with the lower number, of two of one file).
        right: the other one.
        label: digest of what their meetings showed for certain.
        n_cells: how often they met.
        nearest: what the meeting with the most in common showed, shape (n, n lanes).
        distance: mean distance of each filter lane over all meetings, shape (n, n filters).
    """

    left: Numbers
    right: Numbers
    label: Digests
    n_cells: Numbers
    nearest: Shown
    distance: Distances

    def __len__(self) -> int:
        return len(self.left)

    def take(self, chosen: NDArray[np.bool_]) -> Edges:
        """Return some of the edges; `chosen` says of each whether it is one of them."""
        return Edges(*(getattr(self, one.name)[chosen] for one in fields(self)))


def mixed(numbers: Digests) -> Digests:
    """Return numbers that look unrelated to these, always the same ones (Steele et al. 2014, SplitMix64)."""
    mixing = numbers + _GOLDEN
    mixing = (mixing ^ (mixing >> _SHIFTS[0])) * _FIRST
    mixing = (mixing ^ (mixing >> _SHIFTS[1])) * _SECOND
    return mixing ^ (mixing >> _SHIFTS[2])


def digest_rows(shown: Shown) -> Digests:
    """Return one number for each row of small numbers; two rows have the same once in 2^64 pairs."""
    digest = np.zeros(len(shown), dtype=np.uint64)
    for lane in range(shown.shape[1]):
        digest = mixed(digest ^ shown[:, lane].astype(np.int64).view(np.uint64))
    return digest


def edges_of(
    met: Meetings,
    left: Lines,
    right: Lines,
    labels: Labels,
    draw: np.random.Generator | None = None,
    *,
    exact: bool = False,
) -> Edges:
    """Return the edges of meetings."""
    one, other = left[met.left_line], right[met.right_line]
    shown = labels.of(one, other)
    seen = labels.expected(shown) if draw is None else labels.drawn(one, other, shown, draw)
    order = np.lexsort((-shown.sum(axis=1, dtype=np.int64), met.right, met.left))
    lefts, rights = met.left[order].astype(np.int64), met.right[order].astype(np.int64)
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (lefts[1:] != lefts[:-1]) | (rights[1:] != rights[:-1])
    starts = np.flatnonzero(is_first)
    each = mixed(digest_rows((shown if exact else labels.certain(shown))[order]))
    n_cells = np.diff(starts, append=len(order))
    label, total = each[:0], seen[:0]
    if len(starts):
        label = np.add.reduceat(each, starts)
        total = np.add.reduceat(seen[order], starts, axis=0)
        total /= n_cells[:, None]
    return Edges(lefts[starts], rights[starts], label, n_cells, shown[order][starts], total)


def joined(parts: Sequence[Edges]) -> Edges:
    """Return the edges of one or more parts, one after the other."""
    return Edges(
        *(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Edges))
    )


def sum_at(where: Numbers, digests: Digests, n: int) -> Digests:
    """Return the sums of digests at each place, modulo 2^64: a digest of the multiset there, 0 of none."""
    total = np.zeros(n, dtype=np.uint64)
    order = np.argsort(where, kind="stable")
    places, starts = np.unique(where[order], return_index=True)
    if len(places):
        total[places] = np.add.reduceat(digests[order], starts)
    return total


def times_seen(digests: Digests) -> Numbers:
    """Return how often each digest occurs."""
    _, of, counts = np.unique(digests, return_inverse=True, return_counts=True)
    return counts[of.reshape(-1)].astype(np.int64)
