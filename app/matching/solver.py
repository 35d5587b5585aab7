"""Greedy solvers: from pairs in decreasing order to groups of records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from app.matching.groups import Groups, first_record_ids, groups_from_labels

# Pairs turned into Python integers at a time: bounds the memory of the loops below.
_CHUNK_PAIRS = 1 << 18
# Files beyond this many have no bit of their own, and are told apart pair by pair.
_MAX_FILE_BITS = 64


def pick_one_to_one(
    left: NDArray[np.uint32], right: NDArray[np.uint32], n_left: int, n_right: int
) -> NDArray[np.bool_]:
    """Return which pairs the greedy one-to-one solver picks: those that find both records free.

    Args:
        left: left record of each pair, best pair first.
        right: right record of each pair.
        n_left: number of left records.
        n_right: number of right records.
    """
    is_picked = np.zeros(len(left), dtype=bool)
    is_taken_left, is_taken_right = np.zeros(n_left, dtype=bool), np.zeros(n_right, dtype=bool)
    taken_left, taken_right = is_taken_left.data, is_taken_right.data
    for chunk in _chunks(len(left)):
        # What is taken stays taken, so whatever meets a taken record now can be left out now.
        is_free = ~(is_taken_left[left[chunk]] | is_taken_right[right[chunk]])
        index = np.flatnonzero(is_free) + chunk.start
        picked = []
        pairs = zip(index.tolist(), left[index].tolist(), right[index].tolist(), strict=True)
        for i, x, y in pairs:
            if not (taken_left[x] or taken_right[y]):
                taken_left[x] = taken_right[y] = True
                picked.append(i)
        is_picked[picked] = True
    return is_picked


class GroupSolver:
    """Merges records to groups, pair by pair, best pair first.

    With `needs_every_pair` this is the greedy solver of anonlink: two groups are merged when the
    last of the pairs between them has come, so that every pair within a group is a candidate.
    Without it, two groups are merged by any pair, unless that would put two records of one file
    into a group. Pairs must come in one total order; `add` may be called again to go on.

    Args:
        n_records: number of records of each dataset.
        needs_every_pair: see above.
        mergeable_files: datasets of which a group may hold several records, because the pairs
            include pairs within them.
    """

    def __init__(
        self,
        n_records: Sequence[int],
        *,
        needs_every_pair: bool,
        mergeable_files: frozenset[int] = frozenset(),
    ) -> None:
        self._n_records = tuple(n_records)
        self._needs_every_pair = needs_every_pair
        n_ids = int(first_record_ids(n_records)[-1])
        self._label = np.arange(n_ids, dtype=np.uint32)
        self._files = _file_bits(n_records, mergeable_files)
        self._members: dict[int, list[int]] = {}
        self._waiting: set[int] = set()

    def add(self, left: NDArray[np.uint32], right: NDArray[np.uint32]) -> None:
        """Take pairs of record ids (see `first_record_ids`), best first, after all pairs so far."""
        for chunk in _chunks(len(left)):
            x, y = left[chunk], right[chunk]
            label_x, label_y = self._label[x], self._label[y]
            # Groups never shrink: a pair whose groups share a file now can never merge them, and
            # is never one of the pairs that another merge waits for.
            is_open = (label_x != label_y) & (self._files[label_x] & self._files[label_y] == 0)
            self._add_open(x[is_open].tolist(), y[is_open].tolist())

    def groups(self) -> Groups:
        """Return the groups so far, in canonical order."""
        return groups_from_labels(self._label, self._n_records)

    def is_together(self, left: NDArray[np.uint32], right: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Return for each pair of record ids whether one group holds both, so far."""
        together: NDArray[np.bool_] = self._label[left] == self._label[right]
        return together

    def _add_open(self, left: list[int], right: list[int]) -> None:
        label, files = self._label.data, self._files.data
        for x, y in zip(left, right, strict=True):
            a, b = label[x], label[y]
            if a == b or files[a] & files[b]:
                continue
            if self._needs_every_pair and not self._is_last_pair(x, y, a, b):
                continue
            files[a] |= files[b]
            absorbed = self._members.pop(b, [b])
            self._members.setdefault(a, [a]).extend(absorbed)
            for record in absorbed:
                label[record] = a

    def _is_last_pair(self, x: int, y: int, a: int, b: int) -> bool:
        """Return whether this pair completes all pairs between groups a and b; else remember it."""
        members_a, members_b = self._members.get(a), self._members.get(b)
        if members_a is None and members_b is None:
            return True
        between = [_key(p, q) for p in members_a or [a] for q in members_b or [b]]
        self._waiting.add(_key(x, y))
        # The newest members come last and are the likeliest to be missing.
        if not all(key in self._waiting for key in reversed(between)):
            return False
        self._waiting.difference_update(between)
        return True


def _key(x: int, y: int) -> int:
    return (x << 32) | y if x < y else (y << 32) | x


def _file_bits(
    n_records: Sequence[int], mergeable_files: frozenset[int]
) -> NDArray[np.unsignedinteger]:
    """Return for each record id the bit of its file, or 0 where a group may hold the file twice."""
    n_bits = max(8, 1 << (min(len(n_records), _MAX_FILE_BITS) - 1).bit_length())
    bits = [
        0 if file in mergeable_files or file >= _MAX_FILE_BITS else 1 << file
        for file in range(len(n_records))
    ]
    return np.repeat(np.array(bits, dtype=f"uint{n_bits}"), n_records)


def _chunks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + _CHUNK_PAIRS, n)) for start in range(0, n, _CHUNK_PAIRS))
