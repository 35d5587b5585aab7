"""Loads a committed upload into memory, ready to be compared, and wipes it afterwards.

Encodings exist in the clear only here and only in arrays that are zeroed; no copy is left in immutable
bytes, which Python could not wipe.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive import Dataset, Words, pack_words
from app.security.at_rest import unseal_into
from app.security.errors import KeyGoneError, SealBrokenError
from app.uploads import repository
from app.uploads.service import PART_KIND
from app.uploads.withdrawals import leave_out, withdrawn_digests
from schemas.errors import ContainerError
from schemas.ids import HANDLE_BYTES, Handle
from schemas.upload import MAGIC, MAX_HEADER_BYTES, ParsedHeader, parse_header

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broker import Broker

_LENGTH_BYTES: Final = 4
_HEAD_BYTES: Final = len(MAGIC) + _LENGTH_BYTES + MAX_HEADER_BYTES


@dataclass(frozen=True, slots=True)
class StoredContainer:
    """Where a committed container is: its upload, its party, and the blobs of its parts in order.

    `withdrawn` are the digests of its party's handles that no run compares any more.
    """

    upload: str
    party: str
    part_bytes: int
    blobs: tuple[str, ...]
    withdrawn: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LoadedUpload:
    """An upload in the clear.

    Attributes:
        party: whose it is.
        handles: uint8, shape (n_records, 16), in increasing order.
        dataset: the encodings, record by record.
    """

    party: str
    handles: NDArray[np.uint8]
    dataset: Dataset

    def handle(self, record: int) -> Handle:
        """Return the handle of one record."""
        return Handle(self.handles[record].tobytes())

    def wipe(self) -> None:
        """Overwrite handles and encodings with zeros."""
        self.handles.fill(0)
        self.dataset.words.fill(0)


def require_committed(session: Session, uploads: Sequence[str]) -> None:
    """Hold uploads until the transaction ends, so that none is destroyed before it.

    Raises:
        KeyGoneError: one was destroyed, or never committed.
    """
    if not repository.hold_committed(session, uploads):
        raise KeyGoneError("An upload of the run was destroyed.")


def locate_container(session: Session, upload: str) -> StoredContainer:
    """Return where a committed upload is stored.

    Raises:
        KeyGoneError: it was destroyed, or never committed.
    """
    found = repository.get_upload(session, upload)
    if found is None or found.state != "committed":
        raise KeyGoneError("An upload of the run was destroyed.")
    blobs = tuple(part.blob for part in repository.stored_parts(session, upload))
    withdrawn = withdrawn_digests(session, found.project, found.epoch, found.party)
    return StoredContainer(upload, found.party, found.part_bytes, blobs, withdrawn)


def load_upload(broker: Broker, stored: StoredContainer) -> LoadedUpload:
    """Decrypt a committed upload part by part; withdrawn records keep no encoding.

    Raises:
        KeyGoneError: its key was destroyed.
        SealBrokenError: a part is missing or damaged.
    """
    key = broker.keystore.open(stored.upload)
    window = _Window(stored.part_bytes)
    rows: _Rows | None = None
    try:
        for number, blob in enumerate(stored.blobs):
            sealed = broker.blobs.get(blob)
            window.size += unseal_into(
                key, PART_KIND, stored.upload, number, sealed, buffer=window.free()
            )
            if rows is None:
                parsed = _parse_head(window)
                window.drop(parsed.body_offset)
                rows = _Rows(parsed)
            rows.take(window)
    finally:
        window.wipe()
    if rows is None or not rows.is_complete():
        raise SealBrokenError("Stored data is missing.")
    loaded = rows.loaded(stored.party)
    dataset = leave_out(loaded.handles, loaded.dataset, stored.withdrawn)
    return LoadedUpload(loaded.party, loaded.handles, dataset)


class _Window:
    """The one buffer that plaintext is decrypted into; what is not used up moves to its front."""

    def __init__(self, part_bytes: int) -> None:
        # A record's last bytes and the head wait here for the next part.
        self._bytes = bytearray(part_bytes + _HEAD_BYTES)
        self.size = 0

    def free(self) -> memoryview:
        """Return the room after what is there."""
        return memoryview(self._bytes)[self.size :]

    def view(self, size: int) -> NDArray[np.uint8]:
        """Return the first bytes without copying them."""
        return np.frombuffer(self._bytes, dtype=np.uint8, count=size)

    def drop(self, size: int) -> None:
        """Forget the first bytes."""
        rest = self.size - size
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._bytes))
        # memmove: a slice assignment would leave a copy behind.
        ctypes.memmove(start, start + size, rest)
        self.size = rest

    def head(self) -> bytes:
        """Return a copy of the container's head, which is no secret, and of nothing after it."""
        stop = len(MAGIC) + _LENGTH_BYTES
        length = int.from_bytes(self._bytes[len(MAGIC) : stop])
        return bytes(self._bytes[: min(self.size, stop + length, _HEAD_BYTES)])

    def wipe(self) -> None:
        """Overwrite the buffer with zeros."""
        np.frombuffer(self._bytes, dtype=np.uint8)[:] = 0


class _Rows:
    """Handles and words of a container, filled as its rows come by."""

    def __init__(self, parsed: ParsedHeader) -> None:
        header = parsed.header
        self._record_bytes = header.record_bytes
        self._handles = np.zeros((header.records, HANDLE_BYTES), dtype=np.uint8)
        self._record = np.zeros(header.encodings, dtype=np.uint32)
        n_words = -(-header.encoding_bytes // 8)
        self._words: Words = np.zeros((header.encodings, n_words), dtype=np.uint64)
        self._n_encodings = 0
        self._n_records = 0

    def take(self, window: _Window) -> None:
        """Copy the whole rows of the window, and leave the unfinished one in it."""
        n = window.size // self._record_bytes
        if n > len(self._words) - self._n_encodings:
            raise SealBrokenError("Stored data is damaged.")
        used = n * self._record_bytes
        rows = window.view(used).reshape(n, self._record_bytes)
        at = slice(self._n_encodings, self._n_encodings + n)
        packed = pack_words(rows[:, HANDLE_BYTES + 1 :])
        self._words[at] = packed
        packed.fill(0)
        # A record begins with its variant 0.
        is_first = rows[:, HANDLE_BYTES] == 0
        record = self._n_records + np.cumsum(is_first) - 1
        self._record[at] = record
        first = rows[is_first, :HANDLE_BYTES]
        self._handles[self._n_records : self._n_records + len(first)] = first
        self._n_encodings += n
        self._n_records += len(first)
        del rows
        window.drop(used)

    def is_complete(self) -> bool:
        """Tell whether all rows have come."""
        return (self._n_encodings, self._n_records) == (len(self._words), len(self._handles))

    def loaded(self, party: str) -> LoadedUpload:
        """Return what has come."""
        dataset = Dataset(self._words, self._record, len(self._handles))
        return LoadedUpload(party, self._handles, dataset)


def _parse_head(window: _Window) -> ParsedHeader:
    try:
        return parse_header(window.head())
    except ContainerError as exc:
        raise SealBrokenError("Stored data is damaged.") from exc
