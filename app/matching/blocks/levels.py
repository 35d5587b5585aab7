"""Levels of a pair's fields, from the distances of two rows that share a token.

Both rows carry the same pad and were hashed under the same key, so their XOR shows how many bits each lane
differs in. Spec page: `schemas/spec/bsf1.md`.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.rows import Rows
from schemas.linkage.fields import Memory
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.row_layout import row_layout

MISSING: Final = 0

LevelNumbers = NDArray[np.uint8]
"""A level a field, shape (n, n fields): 0 where a record lacks it, else the place in the profile from 1."""

Codes = NDArray[np.int64]
"""Comparison patterns as single numbers, shape (n,)."""


class LevelRules:
    """The levels of one profile, ready to be read off many pairs of rows."""

    def __init__(self, profile: EncodingProfile) -> None:
        layout = row_layout(profile)
        placed = (*layout.filters, *layout.tags)
        at = {one.lane.column: number for number, one in enumerate(placed)}
        self._n_filters, self._n_tags = len(layout.filters), len(layout.tags)
        self._shown = [number for number, _ in layout.presence]
        self._rules = tuple(
            tuple(
                tuple(
                    tuple((at[one.lane], one.within) for one in choice) for choice in level.any_of
                )
                for level in field.levels
            )
            for field in profile.fields
        )
        self.sizes = tuple(len(field.levels) + 1 for field in profile.fields)
        self._memories = [(one.memory, at) for at, one in enumerate(profile.fields)]
        # Of these a record has one value in all its rows, and unequal values look alike once in 2^16.
        self.of_tags = [
            number
            for number, field in enumerate(profile.fields)
            if field.memory is None and all(lane.kind == "tag" for lane in field.lanes)
        ]

    def of_rows(self, left: Rows, right: Rows) -> LevelNumbers:
        """Return the levels of pairs of rows; the two arrays stand side by side."""
        differing = np.ascontiguousarray(left["sealed"] ^ right["sealed"])
        distances, present = self._distances(differing)
        levels = np.empty((len(differing), len(self._rules)), dtype=np.uint8)
        for number, rules in enumerate(self._rules):
            # The last level always holds; a nearer one overrides it.
            found = np.full(len(differing), len(rules), dtype=np.uint8)
            for place in range(len(rules) - 2, -1, -1):
                found[_holds(rules[place], distances)] = place + 1
            levels[:, number] = np.where(present[:, number], found, MISSING)
        return levels

    def codes(self, levels: LevelNumbers) -> Codes:
        """Return the pattern of each row of levels as one number."""
        codes = np.zeros(len(levels), dtype=np.int64)
        for number, size in enumerate(self.sizes):
            codes = codes * size + levels[:, number]
        return codes

    def levels_of(self, codes: Codes) -> LevelNumbers:
        """Return the levels that patterns stand for."""
        levels = np.empty((len(codes), len(self.sizes)), dtype=np.uint8)
        rest = codes.copy()
        for number in range(len(self.sizes) - 1, -1, -1):
            levels[:, number] = rest % self.sizes[number]
            rest //= self.sizes[number]
        return levels

    def are_same(self, memory: Memory, codes: Codes) -> NDArray[np.bool_]:
        """Tell of which patterns a field of memory is at its first level; of none, without such a field."""
        same = np.zeros(len(codes), dtype=bool)
        for kind, at in self._memories:
            if kind == memory:
                same |= codes // math.prod(self.sizes[at + 1 :]) % self.sizes[at] == 1
        return same

    @property
    def n_patterns(self) -> int:
        """How many patterns there could be."""
        return math.prod(self.sizes)

    def _distances(
        self, differing: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return bits in which each lane differs, filters before tags; and which fields both have."""
        tags_at = 8 * self._n_filters
        presence_at = tags_at + 2 * self._n_tags
        end = presence_at + 2 * len(self._shown)
        words = differing[:, :tags_at].copy().view(np.uint64)
        tags = differing[:, tags_at:presence_at].copy().view(np.uint16)
        presence = differing[:, presence_at:end].copy().view(np.uint16)
        distances = np.concatenate([np.bitwise_count(words), np.bitwise_count(tags)], axis=1)
        present = np.ones((len(differing), len(self._rules)), dtype=bool)
        present[:, self._shown] = presence == 0
        return distances, present


def _holds(
    alternatives: tuple[tuple[tuple[int, int], ...], ...], distances: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    holds = np.zeros(len(distances), dtype=bool)
    for conditions in alternatives:
        each = np.ones(len(distances), dtype=bool)
        for lane, within in conditions:
            each &= distances[:, lane] <= within
        holds |= each
    return holds
