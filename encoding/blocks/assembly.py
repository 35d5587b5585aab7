"""All rows of one file for one pair and round: cells numbered, rows sealed, padded and sorted by token.

The larger file gives the rows of a block the numbers 0, 1, ... in an order of its own and drops those from
the cap on; the smaller sends every row for each number. So no two rows of the larger file share a token.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from numpy.typing import NDArray

from encoding.blocks.blocking import BlockingKeys, Keys
from encoding.blocks.keys import KEY_BYTES, CellKeys, index_row
from encoding.blocks.seal import Bytes, Fill, RowSealer
from encoding.blocks.spool import Spool
from encoding.blocks.values import Lines, ValueTables
from encoding.progress import Progress, silent
from schemas.encoding_profile import ROW_BYTES, TOKEN_BYTES, EncodingProfile, Side

STORED_ROW: Final = np.dtype(
    [("token", "u1", (TOKEN_BYTES,)), ("record", "<u4"), ("sealed", "u1", (ROW_BYTES,))]
)
Rows = NDArray[np.void]

_ORDER: Final = b"bsf1 order"
_PADDING_ROWS: Final = 1 << 16
_SEALED_AT_ONCE: Final = 1 << 15
# Two keys of one record have the same first 8 bytes once in 2^57 records.
_SEEN_BYTES: Final = 8


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
    """What was counted while rows were made: one count a pass, and records that have no key at all."""

    passes: list[PassCounts]
    keyless_records: int = 0
    aliases_dropped: int = 0


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
        self._cells.__enter__()
        self._rows.__enter__()
        self.counts = AssemblyCounts([PassCounts() for _ in profile.passes])

    def add(self, columns: Mapping[str, Sequence[str]], records: NDArray[np.uint32]) -> None:
        """Take derived rows; the first one of a record is its main spelling, all others are aliases.

        Args:
            columns: the recipe's derived columns.
            records: number of each row's record.
        """
        lines = self._tables.lines(columns)
        entries = self._entries(columns, records.tolist())
        if not entries.rows:
            return
        cells = np.frombuffer(b"".join(entries.cells), dtype=np.uint8).reshape(-1, KEY_BYTES)
        rows = np.array(entries.rows)
        if self._side == "smaller":
            self._seal_everywhere(cells, records[rows], lines[rows])
            return
        spooled = np.empty(len(rows), dtype=self._cells.dtype)
        spooled["cell"], spooled["record"] = cells, records[rows]
        spooled["pass"], spooled["line"] = entries.passes, lines[rows]
        self._cells.add(spooled)

    def rows(self, progress: Progress = silent) -> Iterator[Rows]:
        """Yield all rows, sorted by token and record, some at a time; call it once, at the end."""
        self._cells.close()
        if self._side == "larger":
            n_buckets = self._cells.n_buckets
            for number, entries in enumerate(self._cells.buckets()):
                self._seal_numbered(entries)
                progress("sealing rows", (number + 1) / n_buckets, number + 1, "buckets")
        self.counts.keyless_records = int((self._n_rows == 0).sum())
        self._pad()
        self._rows.close()
        for bucket in self._rows.buckets():
            yield bucket[_order(bucket)]

    def close(self) -> None:
        """Close all files; for when something went wrong."""
        self._cells.close()
        self._rows.close()

    def _entries(self, columns: Mapping[str, Sequence[str]], records: list[int]) -> _Entries:
        """Return the keys of derived rows; those of aliases are new to their record."""
        entries = _Entries([], [], [])
        last_row = {record: row for row, record in enumerate(records)}
        here: dict[int, list[bytes]] = {}
        for row, record in enumerate(records):
            if not self._has_main[record]:
                self._has_main[record] = True
                earlier: list[bytes] = []
                found = self._keys.of_main(columns, row)
            else:
                earlier = here[record] if record in here else self._seen.of(record)
                found = self._new_keys(self._keys.of_alias(columns, row), earlier)
            for number, cell in zip(found.passes, found.cells, strict=True):
                entries.rows.append(row)
                entries.passes.append(number)
                entries.cells.append(cell)
                self.counts.passes[number].keys += 1
            if last_row[record] > row:
                here[record] = earlier + [cell[:_SEEN_BYTES] for cell in found.cells]
            self._seen.add(record, len(earlier), found.cells)
        return entries

    def _new_keys(self, found: Keys, earlier: Sequence[bytes]) -> Keys:
        """Return those keys of an alias that its record has not yet, as many as there is room for."""
        new = [
            (number, cell)
            for number, cell in zip(found.passes, found.cells, strict=True)
            if cell[:_SEEN_BYTES] not in earlier
        ]
        room = self._most_keys - len(earlier)
        self.counts.aliases_dropped += max(0, len(new) - room)
        kept = new[:room]
        return Keys(tuple(number for number, _ in kept), tuple(cell for _, cell in kept))

    def _seal_everywhere(self, cells: Bytes, records: NDArray[np.uint32], lines: Lines) -> None:
        """Seal a row for each place of each cell: the smaller file meets whatever is there."""
        n_places = self._profile.block_cap
        at = np.repeat(np.arange(len(cells)), n_places)
        places = np.tile(np.arange(n_places), len(cells))
        self._seal(cells[at], places, records[at], lines[at])

    def _seal_numbered(self, entries: NDArray[np.void]) -> None:
        """Number the rows of each cell, drop those beyond the cap, and seal the others."""
        ordered = entries[np.argsort(_texts(entries["cell"]), kind="stable")]
        cells = _texts(ordered["cell"])
        is_new = np.ones(len(ordered), dtype=bool)
        is_new[1:] = cells[1:] != cells[:-1]
        starts = np.flatnonzero(is_new)
        lengths = np.diff(starts, append=len(ordered))
        places = np.arange(len(ordered)) - np.repeat(starts, lengths)
        for start, length in zip(
            starts[lengths > 1].tolist(), lengths[lengths > 1].tolist(), strict=True
        ):
            block = slice(start, start + length)
            ordered[block] = self._shuffled(ordered[block])
        cap = self._profile.block_cap
        for number in ordered["pass"][starts[lengths > cap]].tolist():
            self.counts.passes[number].blocks_too_large += 1
        for number in ordered["pass"][places >= cap].tolist():
            self.counts.passes[number].rows_dropped += 1
        kept = ordered[places < cap]
        self._seal(kept["cell"], places[places < cap], kept["record"], kept["line"])

    def _shuffled(self, block: NDArray[np.void]) -> NDArray[np.void]:
        """Return the rows of one block in an order that the agency's own key gives them."""
        drawn = [
            hashlib.blake2b(
                row["cell"].tobytes() + row["record"].tobytes(),
                digest_size=16,
                key=self._random.order,
                person=_ORDER,
            ).digest()
            for row in block
        ]
        return block[sorted(range(len(block)), key=lambda at: drawn[at])]

    def _seal(
        self, cells: Bytes, places: NDArray[np.int64], records: NDArray[np.uint32], lines: Lines
    ) -> None:
        for start in range(0, len(cells), _SEALED_AT_ONCE):
            here = slice(start, start + _SEALED_AT_ONCE)
            raw = np.ascontiguousarray(cells[here]).tobytes()
            keyed = b"".join(
                index_row(raw[at : at + KEY_BYTES], place)
                for at, place in zip(
                    range(0, len(raw), KEY_BYTES), places[here].tolist(), strict=True
                )
            )
            indexed = np.frombuffer(keyed, dtype=np.uint8).reshape(-1, 2 * TOKEN_BYTES)
            rows = np.empty(len(indexed), dtype=STORED_ROW)
            rows["token"], rows["record"] = indexed[:, :TOKEN_BYTES], records[here]
            rows["sealed"] = self._sealer.seal(
                lines[here], indexed[:, TOKEN_BYTES:], rows["token"], records[here], self._fill
            )
            self._rows.add(rows)
            self._n_rows += np.bincount(records[here], minlength=self._n_records).astype(np.uint16)

    def _pad(self) -> None:
        """Give every record as many rows as any other: what it lacks is random bytes."""
        lacking = self._profile.rows(self._side) - self._n_rows.astype(np.int64)
        records = np.repeat(np.arange(self._n_records, dtype=np.uint32), lacking)
        stream = random_bytes(self._random.padding)
        size = TOKEN_BYTES + ROW_BYTES
        for start in range(0, len(records), _PADDING_ROWS):
            here = records[start : start + _PADDING_ROWS]
            drawn = np.frombuffer(stream(len(here) * size), dtype=np.uint8).reshape(-1, size)
            rows = np.empty(len(here), dtype=STORED_ROW)
            rows["token"], rows["record"] = drawn[:, :TOKEN_BYTES], here
            rows["sealed"] = drawn[:, TOKEN_BYTES:]
            self._rows.add(rows)


@dataclass(frozen=True, slots=True)
class _Entries:
    """Keys of some derived rows: the row, the pass and the cell key of each."""

    rows: list[int]
    passes: list[int]
    cells: list[bytes]


class _Seen:
    """Which cells a record has already, for records whose rows do not come together: 8 bytes a key."""

    def __init__(self, repeated: NDArray[np.bool_], most_keys: int) -> None:
        self._place = np.cumsum(repeated) - 1
        self._repeated = repeated
        n_repeated = int(repeated.sum())
        self._cells = np.zeros((n_repeated, most_keys), dtype=f"S{_SEEN_BYTES}")
        self._n = np.zeros(n_repeated, dtype=np.uint8)

    def add(self, record: int, n_before: int, cells: Sequence[bytes]) -> None:
        """Remember a record's cells beyond the `n_before` that it had."""
        if cells and self._repeated[record]:
            place = self._place[record]
            self._cells[place, n_before : n_before + len(cells)] = [
                cell[:_SEEN_BYTES] for cell in cells
            ]
            self._n[place] = n_before + len(cells)

    def of(self, record: int) -> list[bytes]:
        """Return the first bytes of the cells that a record has."""
        if not self._repeated[record]:
            return []
        place = self._place[record]
        # numpy drops zero bytes at the end of a text.
        return [
            cell.ljust(_SEEN_BYTES, b"\0") for cell in self._cells[place, : self._n[place]].tolist()
        ]


def random_bytes(key: bytes) -> Callable[[int], bytes]:
    """Return a source of bytes that nobody without the key can tell from random ones."""
    stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
    return lambda n: stream.update(bytes(n))


def _texts(cells: Bytes) -> NDArray[np.bytes_]:
    return np.ascontiguousarray(cells).view(f"S{KEY_BYTES}").reshape(-1)


def _order(rows: Rows) -> NDArray[np.intp]:
    """Return the order of rows by token, then by record."""
    token = np.ascontiguousarray(rows["token"]).view(">u8")
    high, low = token[:, 0].astype(np.uint64), token[:, 1].astype(np.uint64)
    order: NDArray[np.intp] = np.argsort(high, kind="stable")
    ordered = high[order]
    if (ordered[1:] == ordered[:-1]).any():
        order = np.lexsort((rows["record"], low, high))
    return order
