"""Greedy solvers: from pairs in decreasing order to groups of records."""

from __future__ import annotations

import functools
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive.groups import Groups, first_record_ids, groups_from_labels

Solver: TypeAlias = Literal["one-to-one", "groups"]

# Pairs turned into Python integers at a time: bounds the memory of the loops below, and the time until a stop
# is heard, since a pair between groups of many files takes hundreds of look-ups.
_CHUNK_PAIRS = 1 << 13
# Files beyond this many have no bit of their own, and are told apart pair by pair.
_MAX_FILE_BITS = 64


def pick_one_to_one(
    left: NDArray[np.uint32], right: NDArray[np.uint32], n_left: int, n_right: int
) -> NDArray[np.bool_]:
    """Return which pairs the greedy one-to-one solver picks: those that find both records free."""
    is_picked = np.zeros(len(left), dtype=bool)
    is_taken_left, is_taken_right = np.zeros(n_left, dtype=bool), np.zeros(n_right, dtype=bool)
    taken_left, taken_right = is_taken_left.data, is_taken_right.data
    for chunk in _chunks(0, len(left)):
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
    into a group.
    """

    def __init__(
        self,
        n_records: Sequence[int],
        left: NDArray[np.uint32],
        right: NDArray[np.uint32],
        *,
        needs_every_pair: bool,
    ) -> None:
        self._n_records = tuple(n_records)
        self._left, self._right = left, right
        self._n_done = 0
        self._needs_every_pair = needs_every_pair
        self._label = np.arange(int(first_record_ids(n_records)[-1]), dtype=np.uint32)
        self._newest = self._label.copy()  # by label: the record that joined the group last
        self._files = _file_bits(n_records)
        self._members: dict[int, list[int]] = {}

    def advance(self, stop: int, watch: Callable[[], None] = lambda: None) -> None:
        """Go on until `stop` pairs are done; what `watch` raises, now and then, ends it."""
        for chunk in _chunks(self._n_done, stop):
            watch()
            x, y = self._left[chunk], self._right[chunk]
            label_x, label_y = self._label[x], self._label[y]
            # Groups never shrink: a pair whose groups share a file now can never merge them, and
            # is never one of the pairs that another merge waits for.
            is_open = (label_x != label_y) & (self._files[label_x] & self._files[label_y] == 0)
            rows = np.flatnonzero(is_open) + chunk.start
            self._merge(self._without_waiting(rows) if self._needs_every_pair else rows)
        self._n_done = max(self._n_done, stop)

    def groups(self) -> Groups:
        """Return the groups so far, in canonical order."""
        return groups_from_labels(self._label, self._n_records)

    def _without_waiting(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Leave out pairs whose groups, as they are now, have a pair between them still to come."""
        x = self._newest[self._label[self._left[rows]]]
        y = self._newest[self._label[self._right[rows]]]
        is_single = (x == self._left[rows]) & (y == self._right[rows])
        grouped = np.flatnonzero(~is_single)
        if not len(grouped):
            return rows
        has_come = is_single.copy()
        has_come[grouped] = self._pair_rows.come_by(x[grouped], y[grouped], rows[grouped])
        come: NDArray[np.intp] = rows[has_come]
        return come

    def _merge(self, rows: NDArray[np.intp]) -> None:
        label, files, newest = self._label.data, self._files.data, self._newest.data
        ids = (side[rows].tolist() for side in (self._left, self._right))
        for row, x, y in zip(rows.tolist(), *ids, strict=True):
            a, b = label[x], label[y]
            if a == b or files[a] & files[b]:
                continue
            if self._needs_every_pair and not self._is_last_pair(row, a, b):
                continue
            files[a] |= files[b]
            absorbed = self._members.pop(b, [b])
            self._members.setdefault(a, [a]).extend(absorbed)
            newest[a] = absorbed[-1]
            for record in absorbed:
                label[record] = a

    def _is_last_pair(self, row: int, a: int, b: int) -> bool:
        """Return whether all pairs between groups a and b have come, with this row."""
        if a not in self._members and b not in self._members:
            return True
        members_a, members_b = self._members.get(a, [a]), self._members.get(b, [b])
        has_come = self._pair_rows.has_come
        # The newest members come last, and are the likeliest to have a pair still to come.
        return all(has_come(p, q, row) for p in reversed(members_a) for q in reversed(members_b))

    @functools.cached_property
    def _pair_rows(self) -> _PairRows:
        return _PairRows(self._left, self._right)


class _PairRows:
    """Finds the row of a pair of record ids, in 12 bytes a pair."""

    def __init__(self, left: NDArray[np.uint32], right: NDArray[np.uint32]) -> None:
        key = _pair_keys(left, right)
        row = np.argsort(key)
        self._keys, self._rows = key[row], row.astype(np.uint32)
        self._key_view, self._row_view = self._keys.data, self._rows.data

    def has_come(self, x: int, y: int, row: int) -> bool:
        """Return whether the pair of x and y stands at or before `row`."""
        key = (x << 32) | y if x < y else (y << 32) | x
        at = bisect_left(self._key_view, key)
        if at == len(self._key_view) or self._key_view[at] != key:
            return False
        return bool(self._row_view[at] <= row)

    def come_by(
        self, x: NDArray[np.uint32], y: NDArray[np.uint32], row: NDArray[np.intp]
    ) -> NDArray[np.bool_]:
        """Return `has_come` of each pair."""
        key = _pair_keys(x, y)
        at = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        come: NDArray[np.bool_] = (self._keys[at] == key) & (self._rows[at] <= row)
        return come


def _pair_keys(x: NDArray[np.uint32], y: NDArray[np.uint32]) -> NDArray[np.uint64]:
    keys: NDArray[np.uint64] = np.minimum(x, y).astype(np.uint64) << np.uint64(32)
    keys |= np.maximum(x, y)
    return keys


def _file_bits(n_records: Sequence[int]) -> NDArray[np.unsignedinteger]:
    """Return for each record id the bit of its file, or 0 where there are more files than bits."""
    n_bits = max(8, 1 << (min(len(n_records), _MAX_FILE_BITS) - 1).bit_length())
    bits = [1 << file if file < _MAX_FILE_BITS else 0 for file in range(len(n_records))]
    return np.repeat(np.array(bits, dtype=f"uint{n_bits}"), n_records)


def _chunks(start: int, stop: int) -> Iterator[slice]:
    return (slice(i, min(i + _CHUNK_PAIRS, stop)) for i in range(start, stop, _CHUNK_PAIRS))
