"""Levels between records, in the clear: what the agency counts and finds before it encodes.

Distances of names are taken between their filters under a few random keys, as the broker will find them
under others; tags are compared as what they stand for.
"""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.seal import drawn_calls, filters
from encoding.blocks.siphash import siphash
from encoding.blocks.values import FilterCalls, Lines, ValueTables
from schemas.linkage.fields import FILTER_BITS
from schemas.linkage.profile import EncodingProfile

N_KEYS: Final = 16
# Two unlike tags differ in half their bits; which number is set for it does not matter, but that it is above 0.
_UNLIKE: Final = FILTER_BITS

LevelNumbers = NDArray[np.uint8]
"""A level a field, shape (n, n fields): 0 where a record lacks it, else its place in the profile from 1.

What agencies remember is always 0, and so is a known number within one file: it tells two of its records apart
even where they are one person's.
"""


class ClearLevels:
    """Compares lines of one file with each other.

    Args:
        profile: fields and levels.
        tables: the values that the lines number.
        seed: draws the keys; None draws them from the system's randomness.
        of_two_files: whether the lines are of two files, so that known numbers are compared, too.
    """

    def __init__(
        self,
        profile: EncodingProfile,
        tables: ValueTables,
        seed: int | None = None,
        *,
        of_two_files: bool = False,
    ) -> None:
        drawn = np.random.default_rng(secrets.randbits(128) if seed is None else seed)
        self._n_filters = len(tables.filters)
        self._filters = [
            _under_keys(texts.calls(), len(texts), drawn.integers(1, 2**63, (N_KEYS, 2)))
            for texts in tables.filters
        ]
        columns = [placed.lane.column for placed in (*tables.layout.filters, *tables.layout.tags)]
        at = {column: number for number, column in enumerate(columns)}
        self._presence = [at[field.lanes[0].column] for field in profile.fields]
        self._is_compared = [
            field.memory is None if of_two_files else field.is_counted for field in profile.fields
        ]
        self._rules = [
            [
                [[(at[one.lane], one.within) for one in choice] for choice in level.any_of]
                for level in field.levels
            ]
            for field in profile.fields
        ]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many levels each field has."""
        return tuple(len(rules) for rules in self._rules)

    def compare(self, left: Lines, right: Lines, draw: np.random.Generator) -> LevelNumbers:
        """Return the levels of pairs of lines; `draw` chooses the key of each pair."""
        key = draw.integers(0, N_KEYS, len(left))
        is_missing = (left == 0) | (right == 0)
        distances = np.where(left == right, 0, _UNLIKE).astype(np.uint8)
        for number, under_key in enumerate(self._filters):
            one, other = left[:, number], right[:, number]
            distances[:, number] = np.bitwise_count(under_key[key, one] ^ under_key[key, other])
        distances[is_missing] = _UNLIKE
        levels = np.zeros((len(left), len(self._rules)), dtype=np.uint8)
        for number, rules in enumerate(self._rules):
            if not self._is_compared[number]:
                continue
            found = np.full(len(left), len(rules), dtype=np.uint8)
            for place in range(len(rules) - 2, -1, -1):
                found[_holds(rules[place], distances)] = place + 1
            there = ~is_missing[:, self._presence[number]]
            levels[there, number] = found[there]
        return levels


def _under_keys(calls: FilterCalls, n_values: int, keys: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the filters of all values under each key, shape (n keys, n values)."""
    drawn = drawn_calls(calls, np.arange(n_values, dtype=np.int32))
    message = drawn.words
    under_key = []
    for low, high in keys.tolist():
        halves = [np.full(len(message), half, dtype=np.uint64) for half in (low, high)]
        under_key.append(filters([drawn], siphash(halves[0], halves[1], message))[0])
    return np.stack(under_key)


def _holds(
    alternatives: list[list[tuple[int, int]]], distances: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    holds = np.zeros(len(distances), dtype=bool)
    for conditions in alternatives:
        each = np.ones(len(distances), dtype=bool)
        for lane, within in conditions:
            each &= distances[:, lane] <= within
        holds |= each
    return holds
