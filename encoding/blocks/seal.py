"""Seals rows: the filters and tags of a line, hashed under the row's key, under the row's pad.

Without the row's key a sealed row is uniform. What is missing is filled from `Fill`, the agency's own
randomness, so that two agencies that both lack a value do not look alike by it.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.keys import KEY_BYTES, value_word
from encoding.blocks.siphash import siphash
from encoding.blocks.values import FilterCalls, Lines, ValueTables
from schemas.encoding_profile import ROW_BYTES, EncodingProfile
from schemas.fields import FILTER_BITS

_ROW_WORDS: Final = ROW_BYTES // 8
_FILL: Final = b"bsf1 fill"
# Rows at a time: the words of one chunk stay in a processor's cache.
CHUNK_ROWS: Final = 1024
_PLACE_BITS: Final = (FILTER_BITS - 1).bit_length()

Bytes = NDArray[np.uint8]


class Fill:
    """Random bytes for what rows lack; drawn anew for every container and kept nowhere."""

    def __init__(self, key: bytes | None = None) -> None:
        """Draw a key; one is given in tests only."""
        self._start = hashlib.blake2b(
            digest_size=ROW_BYTES, key=key or secrets.token_bytes(KEY_BYTES), person=_FILL
        )

    def __call__(self, token: bytes, record: int) -> bytes:
        """Return 64 bytes for one row: no other row of the container has its token and record."""
        state = self._start.copy()
        state.update(token + record.to_bytes(4, "little"))
        return state.digest()


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
        self._presence = tuple(column_of[field.lanes[0].column] for field in profile.fields)
        present = [value_word("present", field.name) for field in profile.fields]
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
        n = len(lines)
        keys = np.ascontiguousarray(row_keys).view("<u8").astype(np.uint64)
        key, key_high = keys[:, 0], keys[:, 1]
        tag_words = np.empty((n, len(self._tables.tags) + len(self._fixed)), dtype=np.uint64)
        for place, values in enumerate(self._tables.tags):
            tag_words[:, place] = values.words()[lines[:, self._n_filters + place]]
        tag_words[:, len(self._tables.tags) :] = self._fixed
        width = tag_words.shape[1]
        hashed = siphash(
            np.repeat(key, width), np.repeat(key_high, width), tag_words.ravel()
        ).reshape(n, width)
        row = np.zeros((n, ROW_BYTES), dtype=np.uint8)
        words = row.view("<u8")
        for place, texts in enumerate(self._tables.filters):
            words[:, place] = filters(texts.calls(), lines[:, place], key, key_high)
        n_tags = width - _ROW_WORDS
        tags = row[:, self._tag_offset : self._tag_offset + 2 * n_tags].view("<u2")
        tags[:] = hashed[:, :n_tags].astype(np.uint16)
        self._fill_missing(row, lines, tokens, records, fill)
        words ^= hashed[:, n_tags:]
        return row

    def _fill_missing(
        self, row: Bytes, lines: Lines, tokens: Bytes, records: NDArray[np.uint32], fill: Fill
    ) -> None:
        """Put the agency's own random bytes where a lane has no value."""
        is_missing = np.concatenate([lines == 0, lines[:, self._presence] == 0], axis=1)
        some = np.flatnonzero(is_missing.any(axis=1))
        if not len(some):
            return
        filled = b"".join(
            fill(token, record)
            for token, record in zip(map(bytes, tokens[some]), records[some].tolist(), strict=True)
        )
        random = np.frombuffer(filled, dtype=np.uint8).reshape(-1, ROW_BYTES)
        widths = [8] * self._n_filters + [2] * (is_missing.shape[1] - self._n_filters)
        is_filled = np.zeros((len(some), ROW_BYTES), dtype=bool)
        is_filled[:, : sum(widths)] = np.repeat(is_missing[some], widths, axis=1)
        row[some] = np.where(is_filled, random, row[some])


def filters(
    calls: FilterCalls,
    values: NDArray[np.int32],
    key: NDArray[np.uint64],
    key_high: NDArray[np.uint64],
) -> NDArray[np.uint64]:
    """Return the filter of each value under its key, 64 bits each; that of a missing value is 0.

    Args:
        calls: those of the lane.
        values: number of each value.
        key: first 8 bytes of each key as a number, one a value.
        key_high: the last 8 bytes.
    """
    first = calls.start[values]
    n_calls = calls.start[values + 1] - first
    at = np.cumsum(n_calls) - n_calls
    which = np.repeat(first - at, n_calls) + np.arange(int(n_calls.sum()))
    hashed = siphash(np.repeat(key, n_calls), np.repeat(key_high, n_calls), calls.words[which])
    draws = calls.draws[which]
    bits = np.zeros(len(which), dtype=np.uint64)
    one = np.uint64(1)
    for draw in range(int(draws.max(initial=0))):
        place = (hashed >> np.uint64(_PLACE_BITS * draw)) & np.uint64(FILTER_BITS - 1)
        bits |= np.where(draws > draw, one << place, np.uint64(0))
    found = np.zeros(len(values), dtype=np.uint64)
    is_there = n_calls > 0
    if is_there.any():
        found[is_there] = np.bitwise_or.reduceat(bits, at[is_there])
    return found
