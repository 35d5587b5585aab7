"""What a meeting of two rows shows: how many places two names share, and which tags are equal.

The Hamming distance of two filters under a random key depends on one number alone: how many of their draws
are of the same token. A broker draws one distance a meeting, with an error of some three bits of 64, and
averages over the meetings of a pair. Tags show whether they are equal, presence whether both have the field.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.seal import drawn_calls, filters
from encoding.blocks.siphash import siphash
from encoding.blocks.values import FilterCalls, Lines, ValueTables
from schemas.linkage.fields import FILTER_BITS
from schemas.linkage.profile import EncodingProfile

# Pairs of values that are compared at once.
_AT_ONCE: Final = 20_000

ABSENT: Final = -1
"""The field is not compared."""

Shown = NDArray[np.int8]
"""Shape (n meetings, n lanes): draws in common of a filter, 1 or 0 of a tag; `ABSENT`."""
Distances = NDArray[np.float32]
"""Shape (n, n filters): bits in which the filters differ."""


class Labels:
    """Tells what meetings show, for lines whose values stand in common tables."""

    def __init__(self, profile: EncodingProfile, tables: ValueTables) -> None:
        self._filters = tables.filters
        placed = (*tables.layout.filters, *tables.layout.tags)
        at = {one.lane.column: number for number, one in enumerate(placed)}
        self.columns = tuple(at)
        self._field_lane = np.array(
            [at[profile.fields[one.field].lanes[0].column] for one in placed], dtype=np.intp
        )
        self._is_memory = np.array([profile.fields[one.field].memory is not None for one in placed])
        self.draws = tuple(texts.n_draws for texts in tables.filters)

    def of(self, left: Lines, right: Lines) -> Shown:
        """Return what meetings of these lines show, side by side."""
        n_filters = len(self._filters)
        shown = (left == right).astype(np.int8)
        for number, texts in enumerate(self._filters):
            shown[:, number] = _common(texts.calls(), left[:, number], right[:, number])
        # A tag without a value is random: it looks like one that differs.
        lacking = (left[:, n_filters:] == 0) | (right[:, n_filters:] == 0)
        shown[:, n_filters:][lacking] = 0
        is_absent = (left[:, self._field_lane] == 0) | (right[:, self._field_lane] == 0)
        # Of memory a row does not show that it is lacking.
        shown[is_absent & ~self._is_memory] = ABSENT
        told: Shown = shown
        return told

    def certain(self, shown: Shown) -> Shown:
        """Return what is seen without an error: of filters only whether they are equal."""
        sure = shown.copy()
        for number, draws in enumerate(self.draws):
            lane = sure[:, number]
            lane[lane >= 0] = lane[lane >= 0] == draws
        return sure

    def expected(self, shown: Shown) -> Distances:
        """Return the mean distance that meetings show; half of the bits where a lane is not compared."""
        found = np.empty((len(shown), len(self.draws)), dtype=np.float32)
        for number, draws in enumerate(self.draws):
            of_common = [expected_distance(common, draws) for common in range(draws + 1)]
            table = np.array([*of_common, FILTER_BITS / 2], dtype=np.float32)
            found[:, number] = table[shown[:, number]]
        return found

    def drawn(
        self, left: Lines, right: Lines, shown: Shown, draw: np.random.Generator
    ) -> Distances:
        """Return the distances of meetings under keys that are drawn for each."""
        key, high = draw.integers(0, 2**64, (2, len(left)), dtype=np.uint64)
        found = np.full((len(left), len(self.draws)), FILTER_BITS / 2, dtype=np.float32)
        for number, texts in enumerate(self._filters):
            calls = texts.calls()
            one, other = (_filters(calls, side[:, number], key, high) for side in (left, right))
            there = shown[:, number] >= 0
            found[there, number] = np.bitwise_count(one ^ other)[there]
        return found


def _filters(
    calls: FilterCalls,
    values: NDArray[np.int32],
    low: NDArray[np.uint64],
    high: NDArray[np.uint64],
) -> NDArray[np.uint64]:
    """Return the filter of each value under the key of its row."""
    drawn = drawn_calls(calls, values)
    hashed = siphash(np.repeat(low, drawn.n), np.repeat(high, drawn.n), drawn.words)
    found: NDArray[np.uint64] = filters([drawn], hashed)[0]
    return found


def expected_distance(common: int, draws: int) -> float:
    """Return the mean Hamming distance of two filters of so many draws that have some in common."""
    untouched = (1 - 1 / FILTER_BITS) ** common
    by_one = (1 - 1 / FILTER_BITS) ** (draws - common)
    return 2 * FILTER_BITS * untouched * by_one * (1 - by_one)


def _common(calls: FilterCalls, left: NDArray[np.int32], right: NDArray[np.int32]) -> Shown:
    """Return for each pair of values how many draws they have in common; `ABSENT` where one is missing."""
    pairs = np.stack([np.minimum(left, right), np.maximum(left, right)], axis=1).astype(np.int64)
    distinct, of = np.unique(pairs[:, 0] << 32 | pairs[:, 1], return_inverse=True)
    one, other = distinct >> 32, distinct & 0xFFFFFFFF
    found = np.full(len(distinct), ABSENT, dtype=np.int8)
    there = np.flatnonzero(one)
    for start in range(0, len(there), _AT_ONCE):
        some = there[start : start + _AT_ONCE]
        found[some] = _common_draws(calls, one[some], other[some])
    each: Shown = found[of.reshape(-1)]
    return each


def _common_draws(calls: FilterCalls, one: NDArray[np.int64], other: NDArray[np.int64]) -> Shown:
    # A token's further calls have words of their own, so that the least of each call adds up to the token's.
    words, draws = _padded(calls, one)
    other_words, other_draws = _padded(calls, other)
    common = np.zeros(len(one), dtype=np.int8)
    for word, n in zip(other_words.T, other_draws.T, strict=True):
        least = np.minimum(draws, n[:, None])
        common += np.where(words == word[:, None], least, 0).sum(axis=1, dtype=np.int8)
    return common


def _padded(
    calls: FilterCalls, values: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Return the words of each value's calls and their draws, a row a value; of what is beyond, 0 draws."""
    start, n = calls.start[values], calls.start[values + 1] - calls.start[values]
    beyond = np.arange(n.max(initial=0)) >= n[:, None]
    at = np.where(beyond, 0, start[:, None] + np.arange(beyond.shape[1]))
    return calls.words[at], np.where(beyond, 0, calls.draws[at])
