"""Bounded memories of what has been hashed: the mask of each token, and of each value of a column.

Masks are filters as uint64 words in clkhash's order of bytes (bit i is byte i // 8, mask 0x80 >> i % 8): one
is only ever combined, never read as a number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count, groupby

import numpy as np
from numpy.typing import NDArray

from encoding.encoder.formats import RuleBroken
from encoding.encoder.hashing import Positions
from encoding.encoder.linkage_schema import Field

Masks = NDArray[np.uint64]
"""Shape (n, n_words)."""

Rows = NDArray[np.intp]
"""Row numbers into an array of masks."""

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


def unions(masks: Masks, members: Rows) -> Masks:
    """Return the union of each row of members."""
    n_unions, n_members = members.shape
    if n_members > _MANY_TOKENS:
        reduced = [np.bitwise_or.reduce(masks[np.unique(some)], axis=0) for some in members]
        return np.array(reduced, dtype=np.uint64).reshape(n_unions, masks.shape[1])
    united = np.zeros((n_unions, masks.shape[1]), dtype=np.uint64)
    for place in range(n_members):
        united |= masks[members[:, place]]
    return united


def with_room(masks: Masks, n_rows: int) -> Masks:
    """Return `masks` with at least `n_rows` rows, the new ones empty."""
    if n_rows <= len(masks):
        return masks
    grown = np.zeros((max(n_rows, 2 * len(masks)), masks.shape[1]), dtype=np.uint64)
    grown[: len(masks)] = masks
    return grown


# Strings longer than this on average are free text, which is not worth remembering at its length.
_CHARS_PER_ENTRY = 64


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


class TokenMemory:
    """The mask of each (token, k) of a field that has been met.

    Tokens are found by their text, or by the number that the tokeniser gives them, in a table for each k.

    Attributes:
        masks: by row number; row 0 is the empty filter.
    """

    def __init__(self, field: Field, hash_bits: int, limit: int) -> None:
        self._field = field
        self._hash_bits = hash_bits
        self._limit = limit
        self._runs: dict[int, tuple[tuple[int, int, int], ...]] = {}
        self.clear()

    def clear(self) -> None:
        """Forget every token."""
        self.masks: Masks = np.zeros((1, n_words(self._hash_bits)), dtype=np.uint64)
        self._counter = count(1)
        self._n_chars = 0
        self._by_text: dict[int, Numbering] = defaultdict(lambda: Numbering(self._counter))
        self._by_code: dict[int, NDArray[np.int32]] = defaultdict(self._empty_table)

    def make_room(self) -> None:
        """Forget every token if they take more memory than they may."""
        if len(self.masks) > self._limit or self._n_chars > self._limit * _CHARS_PER_ENTRY:
            self.clear()

    def rows_of_tokens(self, values: Sequence[Sequence[str]]) -> Rows:
        """Return the row number of each token of values that have the same number of tokens."""
        rows: list[list[int]] = [[] for _ in values]
        for k, start, end in self._runs_of(len(values[0])):
            numbering = self._by_text[k]
            for tokens, found in zip(values, rows, strict=True):
                found.extend(map(numbering.__getitem__, tokens[start:end]))
            self._hash(numbering.new, [numbering[token] for token in numbering.new], k)
            numbering.new = []
        return np.array(rows, dtype=np.intp).reshape(len(values), -1)

    def rows_of_codes(self, codes: Rows) -> Rows:
        """Return the row number of each token number, shape (n values, n tokens)."""
        rows = np.empty_like(codes)
        for k, start, end in self._runs_of(codes.shape[1]):
            table, here = self._by_code[k], codes[:, start:end]
            rows[:, start:end] = table[here]
            if not rows[:, start:end].all():
                new = np.unique(here[rows[:, start:end] == 0])
                table[new] = [next(self._counter) for _ in new]
                self._hash([self._field.tokeniser.token(c) for c in new.tolist()], table[new], k)
                rows[:, start:end] = table[here]
        return rows

    def _empty_table(self) -> NDArray[np.int32]:
        return np.zeros(self._field.tokeniser.n_codes, dtype=np.int32)

    def _hash(self, tokens: Sequence[str], rows: Sequence[int] | NDArray[np.int32], k: int) -> None:
        if not tokens:
            return
        self.masks = with_room(self.masks, int(rows[-1]) + 1)
        encoded = [token.encode(self._field.encoding) for token in tokens]
        self.masks[rows] = masks_of(self._field.token_hash(encoded, k), self._hash_bits)
        self._n_chars += sum(map(len, tokens))

    def _runs_of(self, n_tokens: int) -> tuple[tuple[int, int, int], ...]:
        """Return (k, first token, end) of each run of tokens that have the same k."""
        runs = self._runs.get(n_tokens)
        if runs is None:
            places = groupby(enumerate(self._field.bits_per_token(n_tokens)), key=lambda at: at[1])
            spans = [(k, [place for place, _ in same]) for k, same in places]
            runs = self._runs[n_tokens] = tuple((k, s[0], s[-1] + 1) for k, s in spans)
        return runs


class ValueMemory:
    """The mask of each value of a field that has been met.

    Attributes:
        masks: by row number; row 0 and those of unusable values are the empty filter.
        broken: the rule that a value breaks, by its row number.
    """

    def __init__(self, field: Field, hash_bits: int, limit: int) -> None:
        self._field = field
        self._limit = limit
        self._words = n_words(hash_bits)
        self._tokens = TokenMemory(field, hash_bits, limit)
        self.clear()

    def clear(self) -> None:
        """Forget every value and token."""
        self._is_worth_it = True
        self._forget()
        self._tokens.clear()

    def rows_of(self, values: Sequence[str]) -> Rows:
        """Return the row number of each value, after reading and hashing those not met before."""
        self._make_room()
        try:
            return self._rows_remembered(values) if self._is_worth_it else self._rows_anew(values)
        except BaseException:
            # What was numbered and not hashed yet would look like an empty value from now on.
            self.clear()
            raise

    def _rows_anew(self, values: Sequence[str]) -> Rows:
        self._forget()
        self._learn(values, 1)
        return np.arange(1, len(values) + 1)

    def _rows_remembered(self, values: Sequence[str]) -> Rows:
        rows = np.fromiter(map(self._numbers.__getitem__, values), np.intp, len(values))
        if self._numbers.new:
            self._learn(self._numbers.new, len(self._numbers) - len(self._numbers.new) + 1)
            self._numbers.new = []
        self._n_asked += len(values)
        return rows

    def _forget(self) -> None:
        self.masks: Masks = np.zeros((1, self._words), dtype=np.uint64)
        self.broken: dict[int, str] = {}
        self._numbers = Numbering(count(1))
        self._n_asked = 0
        self._n_chars = 0

    def _make_room(self) -> None:
        if len(self._numbers) > self._limit or self._n_chars > self._limit * _CHARS_PER_ENTRY:
            # A column of almost only new values, such as an address, is faster without a memory.
            self._is_worth_it = self._n_asked > 2 * len(self._numbers)
            self._forget()
        self._tokens.make_room()

    def _learn(self, values: Sequence[str], first: int) -> None:
        self.masks = with_room(self.masks, first + len(values))
        self._n_chars += sum(map(len, values))
        texts = self._read(values, first)
        for indices, rows in self._grouped_rows(texts, first):
            self.masks[first + indices] = unions(self._tokens.masks, rows)

    def _read(self, values: Sequence[str], first: int) -> Sequence[str]:
        """Return the text of each value; of an unusable one the empty text."""
        if self._field.format.reads_as_is(values):
            return values
        texts = []
        for number, value in enumerate(values, start=first):
            try:
                texts.append(self._field.format.read(value))
            except RuleBroken as broken:
                self.broken[number] = str(broken)
                texts.append("")
        return texts

    def _grouped_rows(self, texts: Sequence[str], first: int) -> Iterator[tuple[Rows, Rows]]:
        """Yield (indices of some texts, the rows of their tokens), with one number of tokens each time.

        Texts without tokens are left out: their mask is the empty one.
        """
        spelled: list[int] = []
        lengths = np.array([len(text) if text.isascii() else 0 for text in texts])
        for length, indices in _groups(lengths):
            if self._field.tokeniser.has_codes(length):
                codes = self._field.tokeniser.codes([texts[i] for i in indices.tolist()])
                yield indices, self._tokens.rows_of_codes(codes)
            else:
                spelled.extend(indices.tolist())
        tokens = [self._tokens_of(texts[i], first + i) for i in spelled]
        for n_tokens, chosen in _groups(np.array([len(some) for some in tokens])):
            if n_tokens:
                rows = self._tokens.rows_of_tokens([tokens[i] for i in chosen.tolist()])
                yield np.array(spelled)[chosen], rows

    def _tokens_of(self, text: str, number: int) -> list[str]:
        try:
            return self._field.tokeniser.tokens(text)
        except RuleBroken as broken:
            self.broken[number] = str(broken)
            return []


def _groups(keys: NDArray[np.intp]) -> Iterator[tuple[int, Rows]]:
    """Yield each key and the indices that have it."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    for indices in np.split(order, starts[1:]):
        if len(indices):
            yield int(keys[indices[0]]), indices
