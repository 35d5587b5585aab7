"""Reads a committed upload part by part: rows for a run, the table of handles for what it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.broker import Broker
from app.errors import KeyGoneError, SealBrokenError
from app.matching.blocks.bins import Rows as SomeRows
from app.matching.blocks.bins import Taken
from app.matching.blocks.rows import Rows, read_rows
from app.sealed.objects import Pieces, open_pieces
from app.uploads import repository
from app.uploads.parts import handles_in
from app.uploads.service import INDEX_KIND, PART_KIND, manifest_of, parts_of
from app.uploads.withdrawals import withdrawn_records
from schemas.documents.ids import HANDLE_BYTES, Handle
from schemas.linkage.profile import TOKEN_BYTES
from schemas.rounds.upload import Manifest, Parts

_AT_ONCE: Final = 1 << 13


@dataclass(frozen=True, slots=True)
class StoredContainer:
    """A committed container: its upload, its party, its parts in order, and where each part's tokens begin.

    `withdrawn` are the digests of its party's handles that no run compares any more.
    """

    upload: str
    party: str
    parts: Parts
    manifest: Manifest
    pieces: Pieces
    token_index: Pieces
    withdrawn: frozenset[str]


class StoredUpload:
    """Rows of a committed upload, decrypted a part at a time: `app.matching.blocks.ranges.StoredRows`."""

    def __init__(self, stored: StoredContainer) -> None:
        """Read where each part's tokens begin.

        Raises:
            SealBrokenError: the index is missing or damaged.
        """
        self.stored = stored
        self._first_part = 1 + stored.parts.n_table
        index = stored.token_index.piece(0)
        n_row_parts = stored.parts.n_parts - self._first_part
        if len(index) != n_row_parts * TOKEN_BYTES:
            raise SealBrokenError("Stored data is damaged.")
        self._first_tokens = [
            index[at : at + TOKEN_BYTES] for at in range(0, len(index), TOKEN_BYTES)
        ]
        self._n_rows = [stored.parts.rows_of(self._first_part + at) for at in range(n_row_parts)]

    @property
    def first_tokens(self) -> Sequence[bytes]:
        """The first token of each part of rows, in order."""
        return self._first_tokens

    @property
    def n_rows(self) -> Sequence[int]:
        """How many rows each part of rows has."""
        return self._n_rows

    def part(self, number: int) -> Rows:
        """Return the rows of one part of rows, counted from 0."""
        return read_rows(self.stored.pieces.piece(self._first_part + number))

    def handle_pieces(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the table of handles in pieces, each uint8 of shape (n, 16)."""
        for number in range(1, self._first_part):
            yield handles_in(self.stored.pieces.piece(number))

    def handles(self) -> Handles:
        """Return the handles of all records."""
        n_records = self.stored.parts.records
        return Handles(self.stored.party, n_records, self.handle_pieces)

    def withdrawn(self) -> NDArray[np.uint32]:
        """Return the numbers of the records that their agency has withdrawn, in increasing order."""
        return withdrawn_records(self.handle_pieces(), self.stored.withdrawn)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Handles:
    """The handles of a file, some at a time; records are numbered in their order.

    Attributes:
        party: whose file it is.
        n_records: how many records it has.
        pieces: gives the handles of all records, in increasing order, some at a time: uint8, shape (n, 16).
    """

    party: str
    n_records: int
    pieces: Callable[[], Iterator[NDArray[np.uint8]]]

    @classmethod
    def whole(cls, party: str, table: NDArray[np.uint8]) -> Handles:
        """Return the handles of a small file."""
        return cls(party, len(table), lambda: iter([table]))

    def __len__(self) -> int:
        return self.n_records

    def joined(
        self, rows: Iterable[SomeRows], column: str
    ) -> Iterator[tuple[SomeRows, NDArray[np.uint8]]]:
        """Yield rows, in increasing order of the record in a column, each with its handle: shape (n, 16)."""
        start, taken = 0, Taken(rows, column)
        for piece in self.pieces():
            some = taken.below(start + len(piece))
            if some is not None:
                yield some, piece[some[column] - start]
            start += len(piece)


def handles_of(handles: Handles, records: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return the handles of some records, few enough to be in memory, in their order: shape (n, 16)."""
    order = np.argsort(records, kind="stable")
    rows = np.empty(len(records), dtype=[("record", "<u4")])
    rows["record"] = records[order]
    found = np.empty((len(records), HANDLE_BYTES), dtype=np.uint8)
    found[order] = np.concatenate(
        [found[:0], *(table for _, table in handles.joined([rows], "record"))]
    )
    return found


def each_handle(table: NDArray[np.uint8]) -> Iterator[Handle]:
    """Yield the handles of a table, uint8 of shape (n, 16)."""
    for start in range(0, len(table), _AT_ONCE):
        # Python's own bytes, a few at a time.
        raw = table[start : start + _AT_ONCE].tobytes()
        for at in range(0, len(raw), HANDLE_BYTES):
            yield Handle(raw[at : at + HANDLE_BYTES])


def require_committed(session: Session, uploads: Sequence[str], now: str) -> None:
    """Lock uploads until the transaction ends, so that none is destroyed before it.

    Raises:
        KeyGoneError: one was destroyed, or never committed; or its time is over, whatever keeps it.
    """
    if not repository.lock_committed(session, uploads, now):
        raise KeyGoneError("An upload of the run was destroyed, or its time is over.")


def locate_container(session: Session, broker: Broker, upload: str) -> StoredContainer:
    """Return a committed upload with its parts, still sealed.

    Raises:
        KeyGoneError: it was destroyed, or never committed.
    """
    found = repository.get_upload(session, upload)
    manifest = None if found is None else manifest_of(found)
    if found is None or found.state != "committed" or manifest is None:
        raise KeyGoneError("An upload of the run was destroyed.")
    return StoredContainer(
        upload=upload,
        party=found.party,
        parts=parts_of(found),
        manifest=manifest,
        pieces=open_pieces(session, broker, upload, PART_KIND),
        token_index=open_pieces(session, broker, upload, INDEX_KIND),
        withdrawn=repository.withdrawn_digests(session, found.project, found.epoch, found.party),
    )
