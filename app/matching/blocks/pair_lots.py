"""The pairs of a run, each once by its best cell, in lots of records that need not be in memory together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.pairs import MEETING, Met

_LOTS: Final = 64
# Meetings that are held before they go to the shelf, 32 bytes each.
_HELD: Final = 1 << 20


class Shelf(Protocol):
    """Where bytes wait until they are wanted."""

    def put(self, content: bytes) -> int:
        """Keep the bytes, and return the place where they are found."""

    def get(self, place: int) -> bytes:
        """Return what was put there."""


class MemoryShelf:
    """A shelf in this process's memory."""

    def __init__(self) -> None:
        self._contents: list[bytes] = []

    def put(self, content: bytes) -> int:
        """Keep the bytes."""
        self._contents.append(content)
        return len(self._contents) - 1

    def get(self, place: int) -> bytes:
        """Return what was put there."""
        return self._contents[place]


class PairLots:
    """Meetings that are added in any order, then the pairs, lot after lot, in order of records.

    Few meetings stay in memory; of more, what is held is a part of them or one lot, whatever number there is.
    """

    def __init__(self, best: Callable[[Met], Met], n_smaller: int, shelf: Shelf) -> None:
        """Begin without meetings.

        Args:
            best: makes one of the meetings of a pair, and pairs come in order of records; the best of the best
                of its parts is the best of a whole.
            n_smaller: records of the smaller file, at least 1.
            shelf: where meetings and pairs wait.
        """
        self._best = best
        self._n_each = -(-n_smaller // _LOTS)
        self._shelf: Shelf = MemoryShelf()
        self._outside = shelf
        self._waiting: list[list[Met]] = [[] for _ in range(_LOTS)]
        self._n_waiting = 0
        self._shelved: list[list[int]] = [[] for _ in range(_LOTS)]
        self.n_meetings = 0

    def add(self, met: Met) -> None:
        """Take meetings."""
        self.n_meetings += len(met)
        lot = met["smaller"] // self._n_each
        order = np.argsort(lot, kind="stable")
        ends = np.cumsum(np.bincount(lot, minlength=_LOTS)).tolist()
        for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if start < end:
                self._waiting[number].append(met[order[start:end]])
        self._n_waiting += len(met)
        if self._n_waiting >= _HELD:
            self._shelf = self._outside
            self._put_away()

    def close(self, is_out: Callable[[Met], NDArray[np.bool_]]) -> int:
        """Make pairs of all meetings, leave some out, and return how many; nothing is added afterwards."""
        self._put_away()
        n_out = 0
        for number, places in enumerate(self._shelved):
            pairs = self._best(np.concatenate([np.empty(0, MEETING), *map(self._get, places)]))
            out = is_out(pairs)
            n_out += int(out.sum())
            self._shelved[number] = [self._shelf.put(pairs[~out].tobytes())]
        return n_out

    def __iter__(self) -> Iterator[Met]:
        """Yield the pairs of each lot, once it is closed; again and again, if wanted."""
        for (place,) in self._shelved:
            yield self._get(place)

    def _put_away(self) -> None:
        for waiting, shelved in zip(self._waiting, self._shelved, strict=True):
            if waiting:
                shelved.append(self._shelf.put(self._best(np.concatenate(waiting)).tobytes()))
                waiting.clear()
        self._n_waiting = 0

    def _get(self, place: int) -> Met:
        met: Met = np.frombuffer(self._shelf.get(place), dtype=MEETING)
        return met
