"""Rows that need not be in memory together: they wait in bins by one column, and are read bin after bin."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from app.matching.blocks.pairs import PAIR, Met

_FEWEST_BINS: Final = 128
# Of how many records, or of how many rows in an order of their own, a bin has the rows at most.
_RECORDS_EACH: Final = 1 << 16
# What is held of one set of rows before it goes to the shelf.
_HELD_BYTES: Final = 4 << 20

Rows = NDArray[np.void]
"""Rows of a structured dtype, shape (n,)."""


_AT_ONCE: Final = 1 << 16


def with_columns(rows: Rows, dtype: DTypeLike) -> Rows:
    """Return rows of another dtype: columns of one name have what they had, new ones are zero."""
    made = np.zeros(len(rows), dtype=dtype)
    had = rows.dtype.names or ()
    for column in made.dtype.names or ():
        if column in had:
            made[column] = rows[column]
    return made


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


class Bins:
    """Rows that are added in any order and read in order of a column, those of a bin at a time.

    Few rows stay in memory; of more, what is held is a part of them or one bin, whatever number there is.
    """

    def __init__(
        self,
        dtype: DTypeLike,
        column: str,
        below: int,
        shelf: Shelf,
        tidy: Callable[[Rows], Rows] | None = None,
        *,
        n_rows: int | None = None,
    ) -> None:
        """Begin without rows.

        Args:
            dtype: of the rows.
            column: whole numbers from 0; a bin has those of a range.
            below: what they are all below.
            shelf: where rows wait.
            tidy: makes of the rows of a bin what is read, in order; of a part of them, too, before it waits.
                None: all are read, in order of the column, equal ones in order of what was added.
            n_rows: how many there will be, evenly over the column. None: the column has records' numbers.
        """
        self._dtype, self._column = np.dtype(dtype), column
        self._n_bins = max(_FEWEST_BINS, -(-(below if n_rows is None else n_rows) // _RECORDS_EACH))
        self._width = np.uint64(max(1, -(-below // self._n_bins)))
        self._tidies, self._tidy = tidy is not None, tidy or self._sorted
        self._shelf: Shelf = MemoryShelf()
        self._outside = shelf
        self._waiting: list[list[Rows]] = [[] for _ in range(self._n_bins)]
        self._n_waiting_bytes = 0
        self._shelved = [array("Q") for _ in range(self._n_bins)]
        self._is_tidy = False

    def add(self, rows: Rows) -> None:
        """Take rows."""
        at = (rows[self._column].astype(np.uint64) // self._width).astype(np.intp)
        order = np.argsort(at, kind="stable")
        ends = np.cumsum(np.bincount(at, minlength=self._n_bins)).tolist()
        for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if start < end:
                self._waiting[number].append(rows[order[start:end]])
        self._n_waiting_bytes += rows.nbytes
        self._is_tidy = False
        if self._n_waiting_bytes >= _HELD_BYTES:
            self._leave_memory()
            self._put_away()

    def rewrite(self, change: Callable[[Rows], Rows]) -> None:
        """Put in the place of each bin's rows what `change` makes of them, tidied."""
        self._put_away()
        for number, places in enumerate(self._shelved):
            self._shelved[number] = array("Q", [self._put(change(self._read(places)))])
        self._is_tidy = True

    def __iter__(self) -> Iterator[Rows]:
        """Yield the rows of each bin, in order; again and again, if wanted.

        Sets of rows by columns with one bound have bins of the same ranges.
        """
        self._put_away()
        return map(self._read, self._shelved)

    def _put(self, rows: Rows) -> int:
        return self._shelf.put(rows.tobytes())

    def _read(self, places: array[int]) -> Rows:
        parts = [np.frombuffer(self._shelf.get(place), dtype=self._dtype) for place in places]
        if self._is_tidy:
            (rows,) = parts
            return rows
        return self._tidy(np.concatenate([np.empty(0, self._dtype), *parts]))

    def _leave_memory(self) -> None:
        inside, self._shelf = self._shelf, self._outside
        if inside is not self._outside:
            for number, places in enumerate(self._shelved):
                moved = (self._shelf.put(inside.get(place)) for place in places)
                self._shelved[number] = array("Q", moved)

    def _put_away(self) -> None:
        for waiting, shelved in zip(self._waiting, self._shelved, strict=True):
            if waiting:
                rows = np.concatenate(waiting)
                shelved.append(self._put(self._tidy(rows) if self._tidies else rows))
                waiting.clear()
        self._n_waiting_bytes = 0

    def _sorted(self, rows: Rows) -> Rows:
        column: NDArray[Any] = rows[self._column]
        return rows[np.argsort(column, kind="stable")]


class Taken:
    """Rows in increasing order of a column, of which those below ever higher bounds are taken."""

    def __init__(self, rows: Iterable[Rows], column: str) -> None:
        """Begin before the first."""
        self._rows, self._column = iter(rows), column
        self._left: list[Rows] = []

    def below(self, bound: int) -> Rows | None:
        """Return the rows below a bound that were not taken yet; None where there are none."""
        found = []
        while self._left or self._read():
            (rows,) = self._left
            n = int(np.searchsorted(rows[self._column], bound))
            found.append(rows[:n])
            self._left = [rows[n:]] if n < len(rows) else []
            if self._left:
                break
        return np.concatenate(found) if found else None

    def _read(self) -> bool:
        self._left = [*islice(self._rows, 1)]
        return bool(self._left)


class PairLots:
    """Meetings that are added in any order, then the pairs, lot after lot, in order of records.

    All pairs of a record of the smaller file are in one lot.
    """

    def __init__(self, best: Callable[[Met], Met], n_smaller: int, shelf: Shelf) -> None:
        """Begin without meetings.

        Args:
            best: makes one of the meetings of a pair, and pairs come in order of records; the best of the best
                of its parts is the best of a whole.
            n_smaller: records of the smaller file, at least 1.
            shelf: where meetings and pairs wait.
        """
        self._bins = Bins(PAIR, "smaller", n_smaller, shelf, best)
        self.n_meetings = 0

    def add(self, met: Met) -> None:
        """Take meetings."""
        self.n_meetings += len(met)
        self._bins.add(with_columns(met, PAIR))

    def close(self, is_out: Callable[[Met], NDArray[np.bool_]]) -> int:
        """Make pairs of all meetings, leave some out, and return how many; nothing is added afterwards."""
        n_out = 0

        def without(pairs: Met) -> Met:
            nonlocal n_out
            out = is_out(pairs)
            n_out += int(out.sum())
            return pairs[~out]

        self._bins.rewrite(without)
        return n_out

    def __iter__(self) -> Iterator[Met]:
        """Yield the pairs of each lot, once it is closed; again and again, if wanted."""
        return iter(self._bins)


def plain_numbers(column: NDArray[Any]) -> Iterator[int]:
    """Yield the numbers of an integer array of shape (n,); a list of them would take five times its memory."""
    starts = range(0, len(column), _AT_ONCE)
    return chain.from_iterable(column[start : start + _AT_ONCE].tolist() for start in starts)
