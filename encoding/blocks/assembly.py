"""All rows of one file for one pair and round: cells numbered, rows sealed, padded and sorted by token.

The larger file gives the rows of a block the numbers 0, 1, ... in an order of its own and drops those from
the cap on; the smaller sends every row for each number. So no two rows of the larger file share a token.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from numpy.typing import NDArray

from encoding.blocks.blocking_keys import BlockingKeys, FormKeys, Keys
from encoding.blocks.further import with_either, with_exchanged
from encoding.blocks.keys import KEY_BYTES, CellKeys, index_rows
from encoding.blocks.observation import Observations
from encoding.blocks.seal import Bytes, Fill, RowSealer
from encoding.blocks.spool import Spool
from encoding.blocks.values import Lines, ValueTables
from encoding.progress import Progress, silent
from schemas.linkage.counts import FileCounts
from schemas.linkage.profile import ROW_BYTES, TOKEN_BYTES, EncodingProfile, Side
from schemas.linkage.row_layout import RECORD_NUMBER_BYTES

STORED_ROW: Final = np.dtype(
    [("token", "u1", (TOKEN_BYTES,)), ("record", "<u4"), ("sealed", "u1", (ROW_BYTES,))]
)
Rows = NDArray[np.void]

_ORDER: Final = b"bsf1 order"
_PADDING_ROWS: Final = 1 << 16
_PADDING_BYTES: Final = TOKEN_BYTES + ROW_BYTES
_ONE_ROW: Final = np.uint16(1)
_SEALED_AT_ONCE: Final = 1 << 12
# More only wait for the interpreter's lock, which keys and fillers need.
_THREADS: Final = 2
# Two keys of one record have the same first 8 bytes once in 2^57 records.
_SEEN_BYTES: Final = 8

Batch = tuple[Mapping[str, Sequence[str]], NDArray[np.uint32]]
"""Cleaned columns, and the number of the record of each row."""


@dataclass(slots=True)
class PassCounts:
    """What became of one pass's keys.

    `keys` were made; `blocks_too_large` blocks had more rows than the cap, and `rows_dropped` rows with them.
    """

    keys: int = 0
    blocks_too_large: int = 0
    rows_dropped: int = 0


@dataclass(slots=True)
class AssemblyCounts:
    """What was counted while rows were made, one count a pass."""

    passes: list[PassCounts]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MetPasses:
    """Of each record, one bit a pass: those that have a key of it, and those of these that have a row."""

    keyed: NDArray[np.uint16]
    sent: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Randomness:
    """The agency's own randomness for one container; drawn anew each time, and kept nowhere."""

    order: bytes = field(default_factory=lambda: secrets.token_bytes(KEY_BYTES), repr=False)
    fill: bytes = field(default_factory=lambda: secrets.token_bytes(KEY_BYTES), repr=False)
    padding: bytes = field(default_factory=lambda: secrets.token_bytes(KEY_BYTES), repr=False)


class Assembly:
    """Takes derived rows of records and gives back the container's rows.

    Args:
        profile: the encoding profile.
        cell_keys: made from the round's key.
        side: whether this file is the larger of the pair, by the agreement.
        n_records: records are numbered from 0 to below this.
        repeated: which records have rows that do not come all in one call of `add`.
        folder: an empty folder for bucket files.
        randomness: given in tests only.

    Attributes:
        counts: what was counted so far.
        met: by which passes each record can be found; whole once `rows` has ended.
    """

    def __init__(
        self,
        profile: EncodingProfile,
        cell_keys: CellKeys,
        side: Side,
        *,
        n_records: int,
        repeated: NDArray[np.bool_],
        folder: Path,
        randomness: Randomness | None = None,
    ) -> None:
        self._profile, self._side = profile, side
        self._random = randomness or Randomness()
        self._keys = BlockingKeys(profile, cell_keys)
        self._tables = ValueTables(profile)
        self._sealer = RowSealer(profile, self._tables)
        self._fill = Fill(self._random.fill)
        self._n_records = n_records
        self._n_rows = np.zeros(n_records, dtype=np.uint16)
        self.met = MetPasses(*(np.zeros(n_records, dtype=np.uint16) for _ in range(2)))
        self._has_main = np.zeros(n_records, dtype=bool)
        aliases = profile.alias_keys
        self._most_keys = profile.keys + (aliases.larger if side == "larger" else aliases.smaller)
        self._seen = _Seen(repeated, self._most_keys)
        n_lanes = len(self._tables.filters) + len(self._tables.tags)
        cell = np.dtype(
            [
                ("cell", "u1", (KEY_BYTES,)),
                ("record", "<u4"),
                ("pass", "u1"),
                ("line", "<i4", (n_lanes,)),
            ]
        )
        n_rows = n_records * profile.rows(side)
        self._cells = Spool(folder, "cells", cell, n_rows if side == "larger" else 0)
        self._rows = Spool(folder, "rows", STORED_ROW, n_rows)
        self.counts = AssemblyCounts([PassCounts() for _ in profile.passes])
        self._observed = Observations(profile, n_records, n_lanes)

    def add(self, columns: Mapping[str, Sequence[str]], records: NDArray[np.uint32]) -> None:
        """Take derived rows; the first one of a record is its main spelling, all others are aliases.

        Args:
            columns: the recipe's derived columns.
            records: number of each row's record.
        Raises:
            RowTooLongError: a value is longer than any record.
            ValueError: a record that is not among the repeated ones has rows in another call too.
        """
        is_main = self._are_mains(records)
        if self._side == "smaller":
            columns, of = with_exchanged(self._profile, columns, is_main)
            records, is_main = records[of], is_main[of] & _are_first(of)
        lines = self._tables.lines(columns)
        if self._side == "larger":
            self._observed.read_lines(lines, records)
        columns, of = with_either(self._profile, columns)
        records, lines, is_main = records[of], lines[of], is_main[of] & _are_first(of)
        found = list(self._keys.of_mains(columns, np.flatnonzero(is_main)))
        found += self._of_aliases(columns, records, is_main, found)
        passes = np.repeat([one.pass_number for one in found], [len(one.rows) for one in found])
        rows = np.concatenate([one.rows for one in found])
        cells = _as_bytes(b"".join(cell for one in found for cell in one.cells), KEY_BYTES)
        for number, n in enumerate(np.bincount(passes, minlength=len(self.counts.passes)).tolist()):
            self.counts.passes[number].keys += n
        np.bitwise_or.at(self.met.keyed, records[rows], _bit_of(passes))
        if self._side == "smaller":
            np.bitwise_or.at(self.met.sent, records[rows], _bit_of(passes))
            self._seal_everywhere(cells, records[rows], lines[rows])
            return
        spooled = np.empty(len(rows), dtype=self._cells.dtype)
        spooled["cell"], spooled["record"] = cells, records[rows]
        spooled["pass"], spooled["line"] = passes, lines[rows]
        self._cells.add(spooled)

    def rows(self, progress: Progress = silent) -> Iterator[Rows]:
        """Yield all rows, sorted by token and record, some at a time; call it once, at the end."""
        if self._side == "larger":
            n_buckets = self._cells.n_buckets
            for number, entries in enumerate(self._cells.buckets()):
                self._seal_numbered(entries)
                progress("sealing rows", (number + 1) / n_buckets, number + 1, "buckets")
        self._pad()
        for bucket in self._rows.buckets():
            yield bucket[row_order(bucket)]

    def file_counts(self) -> FileCounts:
        """Return what the manifest of the larger file states; call it after `rows`."""
        return self._observed.counts(self._tables)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all files; for when something went wrong."""
        self._cells.close()
        self._rows.close()

    def _are_mains(self, records: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Tell which rows are the first of their record."""
        met, first = np.unique(records, return_index=True)
        is_main = np.zeros(len(records), dtype=bool)
        is_main[first[~self._has_main[met]]] = True
        self._has_main[met] = True
        return is_main

    def _of_aliases(
        self,
        columns: Mapping[str, Sequence[str]],
        records: NDArray[np.uint32],
        is_main: NDArray[np.bool_],
        mains: Sequence[FormKeys],
    ) -> list[FormKeys]:
        """Return the keys of aliases that are new to their record, and remember those of repeated records."""
        has_more = self._seen.are_repeated(records) | np.isin(records, records[~is_main])
        known: dict[int, list[bytes]] = {
            record: [] for record in records[is_main & has_more].tolist()
        }
        for one in mains:
            for at in np.flatnonzero(has_more[one.rows]).tolist():
                known[int(records[one.rows[at]])].append(one.cells[at][:_SEEN_BYTES])
        by_pass: list[tuple[list[int], list[bytes]]] = [([], []) for _ in self.counts.passes]
        aliases = np.flatnonzero(~is_main).tolist()
        for row, keys in zip(aliases, self._keys.of_aliases(columns, aliases), strict=True):
            record = int(records[row])
            earlier = known[record] if record in known else self._seen.of(record)
            new = self._new_keys(keys, earlier)
            known[record] = earlier + [cell[:_SEEN_BYTES] for _, cell in new]
            for number, cell in new:
                by_pass[number][0].append(row)
                by_pass[number][1].append(cell)
        self._seen.remember(known)
        return [
            FormKeys(number, np.array(rows, dtype=np.intp), cells)
            for number, (rows, cells) in enumerate(by_pass)
        ]

    def _new_keys(self, found: Keys, earlier: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """Return pass and cell of an alias's keys that are new to its record, as many as there is room for."""
        new = [
            (number, cell)
            for number, cell in zip(found.passes, found.cells, strict=True)
            if cell[:_SEEN_BYTES] not in earlier
        ]
        return new[: self._most_keys - len(earlier)]

    def _seal_everywhere(self, cells: Bytes, records: NDArray[np.uint32], lines: Lines) -> None:
        """Seal a row for each place of each cell: the smaller file meets whatever is there."""
        n_places = self._profile.block_cap
        at = np.repeat(np.arange(len(cells)), n_places)
        places = np.tile(np.arange(n_places), len(cells))
        self._seal(cells[at], places, records[at], lines[at])

    def _seal_numbered(self, entries: NDArray[np.void]) -> None:
        """Number the rows of each cell, drop those beyond the cap, and seal the others."""
        order, block = self._in_blocks(entries)
        starts = np.flatnonzero(np.diff(block, prepend=-1))
        places = np.arange(len(order)) - starts[block]
        self._observed.take_blocks(entries["line"][order], entries["record"][order], starts)
        cap, passes = self._profile.block_cap, entries["pass"][order]
        is_too_large = np.diff(starts, append=len(order)) > cap
        n_passes = len(self.counts.passes)
        n_too_large = np.bincount(passes[starts[is_too_large]], minlength=n_passes)
        n_dropped = np.bincount(passes[places >= cap], minlength=n_passes)
        for one, blocks, rows in zip(
            self.counts.passes, n_too_large.tolist(), n_dropped.tolist(), strict=True
        ):
            one.blocks_too_large += blocks
            one.rows_dropped += rows
        kept = entries[order[places < cap]]
        np.bitwise_or.at(self.met.sent, kept["record"], _bit_of(kept["pass"]))
        self._seal(kept["cell"], places[places < cap], kept["record"], kept["line"])

    def _in_blocks(self, entries: NDArray[np.void]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return an order that puts the rows of each cell together, and the number of each one's block.

        Within a block the agency's own key gives the order.
        """
        cells = np.ascontiguousarray(entries["cell"]).view(">u8").astype(np.uint64)
        order = np.argsort(cells[:, 0], kind="stable")
        ordered = cells[order]
        is_new = (ordered[1:] != ordered[:-1]).any(axis=1)
        # Two cells that share their first 8 bytes may lie in each other.
        if (is_new & (ordered[1:, 0] == ordered[:-1, 0])).any():
            order = np.lexsort(cells.T[::-1])
            ordered = cells[order]
            is_new = (ordered[1:] != ordered[:-1]).any(axis=1)
        block = np.concatenate([np.zeros(min(1, len(order)), np.intp), np.cumsum(is_new)])
        shared = np.flatnonzero(np.bincount(block)[block] > 1)
        drawn = self._drawn(entries[order[shared]])
        order[shared] = order[shared][np.lexsort((drawn[:, 1], drawn[:, 0], block[shared]))]
        return order, block

    def _drawn(self, entries: NDArray[np.void]) -> NDArray[np.uint64]:
        """Return two numbers for each row of a block, by which the agency's own key orders it."""
        named = np.concatenate(
            [entries["cell"], _as_bytes(entries["record"].tobytes(), RECORD_NUMBER_BYTES)], axis=1
        ).tobytes()
        size = KEY_BYTES + RECORD_NUMBER_BYTES
        drawn = b"".join(
            hashlib.blake2b(
                named[at : at + size], digest_size=16, key=self._random.order, person=_ORDER
            ).digest()
            for at in range(0, len(named), size)
        )
        return np.frombuffer(drawn, dtype=">u8").reshape(-1, 2).astype(np.uint64)

    def _seal(
        self, cells: Bytes, places: NDArray[np.int64], records: NDArray[np.uint32], lines: Lines
    ) -> None:
        def sealed(here: slice) -> Rows:
            return self._sealed(cells[here], places[here], records[here], lines[here])

        some = range(0, len(cells), _SEALED_AT_ONCE)
        self._tables.freeze()
        # Arrays are hashed without the interpreter's lock; rows come back in the order in which they went.
        with ThreadPoolExecutor(_THREADS) as pool:
            for rows in pool.map(sealed, (slice(at, at + _SEALED_AT_ONCE) for at in some)):
                self._rows.add(rows)
        np.add.at(self._n_rows, records, _ONE_ROW)

    def _sealed(
        self, cells: Bytes, places: NDArray[np.int64], records: NDArray[np.uint32], lines: Lines
    ) -> Rows:
        indexed = _as_bytes(index_rows(cells.tobytes(), places.tolist()), 2 * TOKEN_BYTES)
        rows = np.empty(len(indexed), dtype=STORED_ROW)
        rows["token"], rows["record"] = indexed[:, :TOKEN_BYTES], records
        rows["sealed"] = self._sealer.seal(
            lines, indexed[:, TOKEN_BYTES:], rows["token"], records, self._fill
        )
        return rows

    def _pad(self) -> None:
        """Give every record as many rows as any other: what it lacks is random bytes."""
        n_rows = self._profile.rows(self._side)
        stream = random_bytes(self._random.padding)
        step = max(1, _PADDING_ROWS // n_rows)
        for first in range(0, self._n_records, step):
            lacking = n_rows - self._n_rows[first : first + step].astype(np.int64)
            records = np.repeat(np.arange(first, first + len(lacking), dtype=np.uint32), lacking)
            drawn = _as_bytes(stream(len(records) * _PADDING_BYTES), _PADDING_BYTES)
            rows = np.empty(len(records), dtype=STORED_ROW)
            rows["token"], rows["record"] = drawn[:, :TOKEN_BYTES], records
            rows["sealed"] = drawn[:, TOKEN_BYTES:]
            self._rows.add(rows)


class _Seen:
    """Which cells a record has already, for records whose rows do not come together: 8 bytes a key."""

    def __init__(self, repeated: NDArray[np.bool_], most_keys: int) -> None:
        self._repeated = repeated
        self._records = np.flatnonzero(repeated).astype(np.uint32)
        self._cells = np.zeros((len(self._records), most_keys, _SEEN_BYTES), dtype=np.uint8)
        self._n = np.zeros(len(self._records), dtype=np.uint8)

    def are_repeated(self, records: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Tell which records are remembered."""
        return self._repeated[records]

    def remember(self, known: Mapping[int, Sequence[bytes]]) -> None:
        """Remember all cells that records have so far, of those that are repeated."""
        for record, cells in known.items():
            if self._repeated[record]:
                place = self._place(record)
                self._cells[place, : len(cells)] = _as_bytes(b"".join(cells), _SEEN_BYTES)
                self._n[place] = len(cells)

    def of(self, record: int) -> list[bytes]:
        """Return the first bytes of the cells that a record has.

        Raises:
            ValueError: the record is none of the repeated ones.
        """
        if not self._repeated[record]:
            # Forgotten keys would give two rows of a record one token and one pad.
            raise ValueError("a record has rows in several calls and is none of the repeated ones")
        place = self._place(record)
        return [bytes(cell) for cell in self._cells[place, : self._n[place]]]

    def _place(self, record: int) -> int:
        return int(np.searchsorted(self._records, record))


def random_bytes(key: bytes) -> Callable[[int], bytes]:
    """Return a source of bytes that nobody without the key can tell from random ones."""
    stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
    return lambda n: stream.update(bytes(n))


def _are_first(of: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Tell which of some rows in order are the first of their source."""
    return np.diff(of, prepend=-1) > 0


def _bit_of(passes: NDArray[np.integer[Any]]) -> NDArray[np.uint16]:
    # A profile has at most 16 passes.
    return (_ONE_ROW << passes.astype(np.uint16)).astype(np.uint16)


def _as_bytes(raw: bytes, width: int) -> Bytes:
    return np.frombuffer(raw, dtype=np.uint8).reshape(-1, width)


def row_order(rows: Rows) -> NDArray[np.intp]:
    """Return the order of rows by token, then by record."""
    token = np.ascontiguousarray(rows["token"]).view(">u8")
    high, low = token[:, 0].astype(np.uint64), token[:, 1].astype(np.uint64)
    order: NDArray[np.intp] = np.argsort(high, kind="stable")
    ordered = high[order]
    if (ordered[1:] == ordered[:-1]).any():
        order = np.lexsort((rows["record"], low, high))
    return order
