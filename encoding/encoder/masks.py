"""Bounded memories of what has been hashed: the filter of each token, and of each value of a column.

A mask is one filter as uint64 words whose bytes are in clkhash's order (bit i is byte i // 8, mask
0x80 >> i % 8), so a mask is only ever combined bit by bit, never read as a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, groupby

import numpy as np
from numpy.typing import NDArray

from encoding.encoder.formats import RuleBroken
from encoding.encoder.hashing import Positions
from encoding.encoder.linkage_schema import Field

Masks = NDArray[np.uint64]
"""Shape (n, n_words)."""

# Strings longer than this on average are free text, which is not worth remembering at its length.
_CHARS_PER_ENTRY = 64
_SCATTER_BYTES = 4 << 20
_MANY_TOKENS = 256


def n_words(hash_bits: int) -> int:
    """Return how many uint64 words a filter of `hash_bits` takes."""
    return -(-hash_bits // 64)


def masks_of(positions: Positions, hash_bits: int) -> Masks:
    """Return the filters in which the given positions, shape (n, k), are set."""
    width = n_words(hash_bits) * 64
    masks = np.zeros((len(positions), width // 64), dtype=np.uint64)
    step = max(1, _SCATTER_BYTES // width)
    for start in range(0, len(positions), step):
        some = positions[start : start + step]
        bits = np.zeros((len(some), width), dtype=np.uint8)
        bits[np.arange(len(some))[:, None], some] = 1
        masks[start : start + step] = np.packbits(bits, axis=1).view(np.uint64)
    return masks


def or_runs(masks: Masks, members: NDArray[np.intp], lengths: NDArray[np.intp]) -> Masks:
    """Return the union of each run of masks.

    Args:
        masks: shape (n, n_words).
        members: row numbers into `masks`, the runs one after the other.
        lengths: length of each run; an empty run gives the empty filter.
    """
    # Longest first, so that the j-th members of all runs that have one are a prefix: one gather a step.
    order = np.argsort(-lengths, kind="stable")
    starts = (np.cumsum(lengths) - lengths)[order]
    longest_first = lengths[order]
    unions = np.zeros((len(lengths), masks.shape[1]), dtype=np.uint64)
    n_many = int(np.searchsorted(-longest_first, -_MANY_TOKENS))
    for run in range(n_many):
        rows = np.unique(members[starts[run] : starts[run] + longest_first[run]])
        unions[run] = np.bitwise_or.reduce(masks[rows], axis=0)
    for place in range(int(longest_first[n_many]) if n_many < len(lengths) else 0):
        end = int(np.searchsorted(-longest_first, -place))
        unions[n_many:end] |= masks[members[starts[n_many:end] + place]]
    unsorted = np.empty_like(unions)
    unsorted[order] = unions
    return unsorted


class Numbering(dict[str, int]):
    """Gives each string a row number at first sight, and keeps those not yet hashed in `new`."""

    def __init__(self, counter: Iterator[int]) -> None:
        super().__init__()
        self.new: list[str] = []
        self._counter = counter

    def __missing__(self, text: str) -> int:
        number = self[text] = next(self._counter)
        self.new.append(text)
        return number


class TokenMasks:
    """The mask of each (token, k) of a field that has been met.

    Attributes:
        rows: the masks, by row number; row 0 is the empty filter.
    """

    def __init__(self, field: Field, hash_bits: int, limit: int) -> None:
        self._field = field
        self._hash_bits = hash_bits
        self._limit = limit
        self._runs: dict[int, tuple[tuple[int, int], ...]] = {}
        self.clear()

    def clear(self) -> None:
        """Forget every token."""
        self.rows = np.zeros((1, n_words(self._hash_bits)), dtype=np.uint64)
        self._numbers: dict[int, Numbering] = {}
        self._counter = count(1)
        self._n_chars = 0

    def make_room(self) -> None:
        """Forget every token if they take more memory than they may."""
        if len(self.rows) > self._limit or self._n_chars > self._limit * _CHARS_PER_ENTRY:
            self.clear()

    def numbers(self, tokens: Sequence[str]) -> list[int]:
        """Return the row number of each token of one value; `hash_new` fills the new rows."""
        if not tokens:
            return []
        runs = self._runs.get(len(tokens)) or self._runs_of(len(tokens))
        if len(runs) == 1:
            return list(map(self._of_k(runs[0][0]).__getitem__, tokens))
        found: list[int] = []
        for k, length in runs:
            here = tokens[len(found) : len(found) + length]
            found.extend(map(self._of_k(k).__getitem__, here))
        return found

    def hash_new(self) -> None:
        """Hash the tokens that have a number and no mask yet."""
        n_rows = 1 + sum(map(len, self._numbers.values()))
        self.rows = with_room(self.rows, n_rows)
        for k, numbering in self._numbers.items():
            if numbering.new:
                tokens = [token.encode(self._field.encoding) for token in numbering.new]
                rows = [numbering[token] for token in numbering.new]
                self.rows[rows] = masks_of(self._field.token_hash(tokens, k), self._hash_bits)
                self._n_chars += sum(map(len, numbering.new))
                numbering.new = []

    def _runs_of(self, n_tokens: int) -> tuple[tuple[int, int], ...]:
        """Return (k, how many tokens in a row have it) for a value of `n_tokens` tokens."""
        ks = self._field.bits_per_token(n_tokens)
        runs = tuple((k, len(list(same))) for k, same in groupby(ks))
        self._runs[n_tokens] = runs
        return runs

    def _of_k(self, k: int) -> Numbering:
        numbering = self._numbers.get(k)
        if numbering is None:
            numbering = self._numbers[k] = Numbering(self._counter)
        return numbering


class ValueMasks:
    """The mask of each value of a field that has been met.

    Attributes:
        rows: the masks, by row number; row 0 and those of unusable values are the empty filter.
        broken: the rule that a value breaks, by its row number.
    """

    def __init__(self, field: Field, hash_bits: int, limit: int) -> None:
        self._field = field
        self._limit = limit
        self._words = n_words(hash_bits)
        self._tokens = TokenMasks(field, hash_bits, limit)
        self._forget()

    def clear(self) -> None:
        """Forget every value and token."""
        self._forget()
        self._tokens.clear()

    def numbers(self, values: Sequence[str]) -> NDArray[np.intp]:
        """Return the row number of each value, after reading and hashing those not met before."""
        self._make_room()
        found = np.fromiter(map(self._numbers.__getitem__, values), np.intp, len(values))
        if self._numbers.new:
            self._learn(self._numbers.new)
            self._numbers.new = []
        return found

    def _forget(self) -> None:
        self.rows = np.zeros((1, self._words), dtype=np.uint64)
        self.broken: dict[int, str] = {}
        self._numbers = Numbering(count(1))
        self._n_chars = 0

    def _make_room(self) -> None:
        if len(self._numbers) > self._limit or self._n_chars > self._limit * _CHARS_PER_ENTRY:
            self._forget()
        self._tokens.make_room()

    def _learn(self, values: Sequence[str]) -> None:
        members: list[int] = []
        lengths = np.zeros(len(values), dtype=np.intp)
        first = len(self._numbers) - len(values) + 1
        for index, value in enumerate(values):
            try:
                tokens = self._field.tokenise(self._field.read(value))
            except RuleBroken as broken:
                self.broken[first + index] = str(broken)
                continue
            members.extend(self._tokens.numbers(tokens))
            lengths[index] = len(tokens)
        self._tokens.hash_new()
        self.rows = with_room(self.rows, first + len(values))
        unions = or_runs(self._tokens.rows, np.array(members, dtype=np.intp), lengths)
        self.rows[first : first + len(values)] = unions
        self._n_chars += sum(map(len, values))


def with_room(rows: Masks, n_rows: int) -> Masks:
    """Return `rows` with at least `n_rows` rows, the new ones empty."""
    if n_rows <= len(rows):
        return rows
    grown = np.zeros((max(n_rows, 2 * len(rows)), rows.shape[1]), dtype=np.uint64)
    grown[: len(rows)] = rows
    return grown
