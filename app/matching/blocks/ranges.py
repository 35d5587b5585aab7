"""Meetings of two stored files, range by range of tokens, in the memory of a few parts.

A range is a task: it reads only the parts that overlap it, and its meetings can be stored and taken up again.
Where the ranges are cut changes nothing in the result.
"""

from __future__ import annotations

import heapq
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Protocol

import numpy as np

from app.matching.blocks.errors import PartError, StoredMeetingsError
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import MEETING, Met, Window, meet
from app.matching.blocks.rows import Rows, token_texts
from schemas.linkage.profile import TOKEN_BYTES

LOWEST: Final = bytes(TOKEN_BYTES)
_MAGIC: Final = b"meetings/1\n"
_HEAD: Final = struct.Struct(f"<{len(_MAGIC)}s{TOKEN_BYTES}s?{TOKEN_BYTES}sQ")


@dataclass(frozen=True, slots=True)
class TokenRange:
    """Tokens from `low` on, below `high`; None: to the last."""

    low: bytes
    high: bytes | None


class StoredRows(Protocol):
    """Rows of one container at rest, cut into parts, sorted by token throughout."""

    @property
    def first_tokens(self) -> Sequence[bytes]:
        """The first token of each part, in order."""

    @property
    def n_rows(self) -> Sequence[int]:
        """How many rows each part has, at least 1."""

    def part(self, number: int) -> Rows:
        """Return the rows of one part, decrypted."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many records the two files have."""

    smaller: int
    larger: int


def plan_ranges(
    smaller: StoredRows, larger: StoredRows, *, rows_each: int
) -> tuple[TokenRange, ...]:
    """Cut all tokens into ranges of about `rows_each` rows of both files together.

    A range begins where a part does, so that at most one part of the other file is read by two tasks.
    """
    cuts: list[bytes] = [LOWEST]
    n_here = 0
    parts = (zip(file.first_tokens, file.n_rows, strict=True) for file in (smaller, larger))
    for token, n_rows in heapq.merge(*parts):
        if n_here and n_here + n_rows > rows_each and token > cuts[-1]:
            cuts.append(token)
            n_here = 0
        n_here += n_rows
    return tuple(TokenRange(*ends) for ends in zip(cuts, (*cuts[1:], None), strict=True))


def meet_range(
    within: TokenRange, smaller: StoredRows, larger: StoredRows, rules: LevelRules
) -> Met:
    """Return what meets in one range, in order of the smaller file's rows.

    Holds one part of each file at a time, and the meetings: never more than the smaller file's rows there.

    Raises:
        PartError: a part has other rows than was said of it.
    """
    partners = _Partners(larger)
    found = [np.empty(0, dtype=MEETING)]
    for left in _windows(smaller, within):
        found += [meet(left, right, rules) for right in partners.of(left.rows)]
    return np.concatenate(found)


def met_to_bytes(met: Met, within: TokenRange) -> bytes:
    """Return the meetings of a range as bytes; the same meetings always give the same."""
    return _head(within, len(met)) + met.tobytes()


def met_from_bytes(stored: bytes, within: TokenRange, sizes: Sizes, rules: LevelRules) -> Met:
    """Return the stored meetings of a range.

    Raises:
        StoredMeetingsError: they are of another range, cut off, out of order, or of records or patterns that
            there are not.
    """
    n, rest = divmod(len(stored) - _HEAD.size, MEETING.itemsize)
    if n < 0 or rest or not stored.startswith(_head(within, n)):
        raise StoredMeetingsError("the stored meetings are cut off, or of another range or format")
    met: Met = np.frombuffer(stored, dtype=MEETING, offset=_HEAD.size)
    bounds = (("smaller", sizes.smaller), ("larger", sizes.larger), ("code", rules.n_patterns))
    in_bounds = all(((met[name] >= 0) & (met[name] < bound)).all() for name, bound in bounds)
    if not in_bounds or not (np.diff(met["row_smaller"]) > 0).all():
        raise StoredMeetingsError("the stored meetings contradict themselves")
    return met


def _head(within: TokenRange, n: int) -> bytes:
    return _HEAD.pack(_MAGIC, within.low, within.high is not None, within.high or LOWEST, n)


class _Partners:
    """Parts of the larger file that may share a token with some rows; the last one is kept at hand."""

    def __init__(self, larger: StoredRows) -> None:
        self._larger = larger
        self._starts = _starts(larger)
        self._last: tuple[int, Rows] | None = None

    def of(self, rows: Rows) -> Iterator[Window]:
        low, last = (token.tobytes() for token in rows["token"][[0, -1]])
        firsts = self._larger.first_tokens
        # No token stands twice in this file, so that no part before one that begins with it can hold it.
        for number in range(max(0, bisect_right(firsts, low) - 1), bisect_right(firsts, last)):
            if self._last is None or self._last[0] != number:
                self._last = None  # before the next part is read, so that two are never held
                self._last = number, _read(self._larger, number)
            yield Window(self._last[1], self._starts[number])


def _windows(file: StoredRows, within: TokenRange) -> Iterator[Window]:
    """Yield the rows of a file in a range, a part at a time."""
    starts, firsts = _starts(file), file.first_tokens
    end = len(firsts) if within.high is None else bisect_left(firsts, within.high)
    # A block of the smaller file may begin in one part and go on in the next.
    for number in range(max(0, bisect_left(firsts, within.low) - 1), end):
        rows = _read(file, number)
        tokens = token_texts(rows)
        first = int(np.searchsorted(tokens, np.bytes_(within.low)))
        last = len(rows) if within.high is None else np.searchsorted(tokens, np.bytes_(within.high))
        if first < last:
            yield Window(rows[first:last], starts[number] + first)


def _starts(file: StoredRows) -> list[int]:
    """Return the place of each part's first row in its container."""
    return [0, *accumulate(file.n_rows)]


def _read(file: StoredRows, number: int) -> Rows:
    rows = file.part(number)
    if len(rows) != file.n_rows[number] or rows["token"][0].tobytes() != file.first_tokens[number]:
        raise PartError("a stored part has other rows than was said of it")
    return rows
