"""Seals rows: the filters and tags of a line, hashed under the row's key, under the row's pad.

Without the row's key a sealed row is uniform. What is missing is filled from `Fill`, the agency's own
randomness, so that two agencies that both lack a value do not look alike by it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.keys import KEY_BYTES, value_word
from encoding.blocks.siphash import siphash
from encoding.blocks.values import FilterCalls, Lines, ValueTables
from schemas.linkage.fields import FILTER_BITS
from schemas.linkage.profile import ROW_BYTES, TOKEN_BYTES, EncodingProfile
from schemas.linkage.row_layout import RECORD_NUMBER_BYTES

_ROW_WORDS: Final = ROW_BYTES // 8
_FILL: Final = b"bsf1 fill"
# Rows at a time: the words of one chunk stay in a processor's cache.
CHUNK_ROWS: Final = 1024
# Arrays of no dimension, since numpy takes twice as long over one of its scalars.
_PLACE_SHIFT: Final = np.array((FILTER_BITS - 1).bit_length(), dtype=np.uint64)
_PLACE_MASK: Final = np.array(FILTER_BITS - 1, dtype=np.uint64)
_NAMED_BYTES: Final = TOKEN_BYTES + RECORD_NUMBER_BYTES

Bytes = NDArray[np.uint8]


class Fill:
    """Random bytes for what rows lack; drawn anew for every container and kept nowhere."""

    def __init__(self, key: bytes | None = None) -> None:
        """Draw a key; one is given in tests only."""
        self._start = hashlib.blake2b(
            digest_size=ROW_BYTES, key=key or secrets.token_bytes(KEY_BYTES), person=_FILL
        )

    def of_rows(self, named: bytes) -> bytes:
        """Return 64 bytes for each row: no other row of the container has its token and record.

        Args:
            named: token (16 bytes) and record number (4 bytes, little-endian) of each row, joined.
        """
        filled: list[bytes] = []
        for at in range(0, len(named), _NAMED_BYTES):
            state = self._start.copy()
            state.update(named[at : at + _NAMED_BYTES])
            filled.append(state.digest())
        return b"".join(filled)


class RowSealer:
    """Seals the rows of one profile."""

    def __init__(self, profile: EncodingProfile, tables: ValueTables) -> None:
        self._tables = tables
        layout = tables.layout
        self._n_filters = len(layout.filters)
        self._tag_offset = 8 * self._n_filters
        # The column that says whether a field is there: its first lane's.
        column_of = {
            placed.lane.column: place
            for place, placed in enumerate((*layout.filters, *layout.tags))
        }
        shown = [profile.fields[number] for number, _ in layout.presence]
        self._presence = tuple(column_of[field.lanes[0].column] for field in shown)
        present = [value_word("present", field.name) for field in shown]
        pad = value_word("pad")
        self._fixed = np.array([*present, *(pad + at for at in range(_ROW_WORDS))], dtype=np.uint64)

    def seal(
        self, lines: Lines, row_keys: Bytes, tokens: Bytes, records: NDArray[np.uint32], fill: Fill
    ) -> Bytes:
        """Return the sealed rows, shape (n, 64).

        Args:
            lines: the spelling that each row carries, shape (n, n lanes).
            row_keys: shape (n, 16).
            tokens: shape (n, 16).
            records: number of each row's record.
            fill: random bytes for what is missing.
        """
        sealed = np.empty((len(lines), ROW_BYTES), dtype=np.uint8)
        for start in range(0, len(lines), CHUNK_ROWS):
            here = slice(start, start + CHUNK_ROWS)
            sealed[here] = self._chunk(
                lines[here], row_keys[here], tokens[here], records[here], fill
            )
        return sealed

    def _chunk(
        self, lines: Lines, row_keys: Bytes, tokens: Bytes, records: NDArray[np.uint32], fill: Fill
    ) -> Bytes:
        keys = np.ascontiguousarray(row_keys).view("<u8").astype(np.uint64)
        key, key_high = keys[:, 0], keys[:, 1]
        drawn = [
            drawn_calls(texts.calls(), lines[:, place])
            for place, texts in enumerate(self._tables.filters)
        ]
        tagged = [
            values.words()[lines[:, self._n_filters + place]]
            for place, values in enumerate(self._tables.tags)
        ]
        fixed = np.repeat(self._fixed, len(lines))
        width = len(tagged) + len(self._fixed)
        # All that these rows hash, lane by lane: one call, since its overhead is per call.
        message = np.concatenate([*(one.words for one in drawn), *tagged, fixed])
        hashed = siphash(_for_calls(key, drawn, width), _for_calls(key_high, drawn, width), message)
        n_filter_calls = len(message) - width * len(lines)
        row = np.zeros((len(lines), ROW_BYTES), dtype=np.uint8)
        words = row.view("<u8")
        if drawn:
            words[:, : self._n_filters] = filters(drawn, hashed[:n_filter_calls]).T
        others = hashed[n_filter_calls:].reshape(width, len(lines)).T
        n_tags = width - _ROW_WORDS
        tags = row[:, self._tag_offset : self._tag_offset + 2 * n_tags].view("<u2")
        tags[:] = others[:, :n_tags].astype(np.uint16)
        self._fill_missing(row, lines, tokens, records, fill)
        words ^= others[:, n_tags:]
        return row

    def _fill_missing(
        self, row: Bytes, lines: Lines, tokens: Bytes, records: NDArray[np.uint32], fill: Fill
    ) -> None:
        """Put the agency's own random bytes where a lane has no value."""
        is_missing = np.concatenate([lines == 0, lines[:, self._presence] == 0], axis=1)
        some = np.flatnonzero(is_missing.any(axis=1))
        if not len(some):
            return
        named = np.empty((len(some), _NAMED_BYTES), dtype=np.uint8)
        named[:, :TOKEN_BYTES] = tokens[some]
        named[:, TOKEN_BYTES:] = (
            records[some].astype("<u4").view(np.uint8).reshape(-1, RECORD_NUMBER_BYTES)
        )
        filled = fill.of_rows(named.tobytes())
        random = np.frombuffer(filled, dtype=np.uint8).reshape(-1, ROW_BYTES)
        widths = [8] * self._n_filters + [2] * (is_missing.shape[1] - self._n_filters)
        is_filled = np.zeros((len(some), ROW_BYTES), dtype=bool)
        is_filled[:, : sum(widths)] = np.repeat(is_missing[some], widths, axis=1)
        row[some] = np.where(is_filled, random, row[some])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DrawnCalls:
    """The calls of one filter lane of some rows, those of a row after each other.

    Attributes:
        n: how many each row has; 0 where the value is missing.
        words: the message of each call.
        draws: how many of its ten places count.
    """

    n: NDArray[np.int64]
    words: NDArray[np.uint64]
    draws: NDArray[np.uint8]


def drawn_calls(calls: FilterCalls, values: NDArray[np.int32]) -> DrawnCalls:
    """Return the calls of each of some values of a lane.

    Args:
        calls: those of the lane.
        values: number of each value.
    """
    first = calls.start[values]
    n = calls.start[values + 1] - first
    at = np.cumsum(n) - n
    which = np.repeat(first - at, n) + np.arange(int(n.sum()))
    return DrawnCalls(n, calls.words[which], calls.draws[which])


def filters(drawn: Sequence[DrawnCalls], hashed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the filter of each value, 64 bits, shape (n lanes, n rows); that of a missing value is 0.

    Args:
        drawn: the calls of one lane or more.
        hashed: what each call gave, lane after lane.
    """
    n_calls = np.concatenate([one.n for one in drawn])
    draws = np.concatenate([one.draws for one in drawn])
    bits = np.zeros(len(hashed), dtype=np.uint64)
    rest, place, bit = hashed.copy(), np.empty_like(hashed), np.empty_like(hashed)
    for draw in range(int(draws.max(initial=0))):
        np.bitwise_and(rest, _PLACE_MASK, place)
        np.left_shift((draws > draw).astype(np.uint64), place, bit)
        np.bitwise_or(bits, bit, bits)
        np.right_shift(rest, _PLACE_SHIFT, rest)
    found = np.zeros(len(n_calls), dtype=np.uint64)
    is_there = n_calls > 0
    if is_there.any():
        found[is_there] = np.bitwise_or.reduceat(bits, (np.cumsum(n_calls) - n_calls)[is_there])
    return found.reshape(len(drawn), -1)


def _for_calls(
    key: NDArray[np.uint64], drawn: Sequence[DrawnCalls], width: int
) -> NDArray[np.uint64]:
    """Return half a row key for each call of the filter lanes, then `width` times for each row."""
    return np.concatenate([*(np.repeat(key, one.n) for one in drawn), *([key] * width)])
