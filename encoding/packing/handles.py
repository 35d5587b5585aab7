"""The handle map of one container: which random handle stands for which record, known to the agency alone.

Handles are drawn anew for every container, so that none outlives its upload. The map does not hold record IDs:
it is keyed by their HMAC under the workspace key, and sealed under another sub-key of it, so that a copied
file tells nothing without the key file. 32 bytes a record, in memory and on disk.

File: the line `blindlink/handles/2`, a line of canonical JSON (project, round, partner, number of records),
then segments of at most 32,768 records, each nonce, AES-256-GCM ciphertext and tag; both lines, and the number
of the segment, are authenticated with each. Within a segment: record key, handle, in order of record keys.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from encoding.errors import HandleMapError
from encoding.files import replacing
from schemas.documents.canonical import canonical_bytes
from schemas.documents.ids import HANDLE_BYTES

MAGIC: Final = b"blindlink/handles/2\n"
SEGMENT_RECORDS: Final = 32_768
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
MAX_HEADER_BYTES: Final = 1024

Handles = NDArray[np.uint8]
"""Handles, shape (n, 16)."""

_Numbers = NDArray[np.uint64]
_SEALED = np.dtype([("high", ">u8"), ("low", ">u8"), ("handle", "u1", (HANDLE_BYTES,))])


class RecordKeys(NamedTuple):
    """The first 128 bits of the HMAC of record IDs, as two numbers each, so that numpy can sort them."""

    high: _Numbers
    low: _Numbers


class MapName(NamedTuple):
    """Whose handles: those of the container that was made for a partner in a round of a project."""

    project: str
    round: int
    partner: str


class MapKeys(NamedTuple):
    """Sub-keys of the workspace key for one project; a record has the same key in all of its maps."""

    record_id: bytes
    seal: bytes

    def __repr__(self) -> str:
        return "MapKeys(...)"


class Found(NamedTuple):
    """What a look-up found: where `known` is false, the handle is all zero."""

    known: NDArray[np.bool_]
    handles: Handles


LabelOf = Callable[[RecordKeys], NDArray[np.uint8]]
"""Gives the first bytes of the handle of each of these distinct keys, shape (n, bytes)."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HandleMap:
    """Handles of the records of one container, in order of their record keys, each key once."""

    name: MapName
    keys: RecordKeys
    handles: Handles

    def __len__(self) -> int:
        return len(self.handles)

    def find(self, wanted: RecordKeys) -> Found:
        """Return the handle of each record key; keys may repeat and come in any order."""
        place, known = self.places(wanted)
        handles = np.zeros((len(place), HANDLE_BYTES), dtype=np.uint8)
        handles[known] = self.handles[place[known]]
        return Found(known, handles)

    def numbers(self) -> NDArray[np.uint32]:
        """Return the record number of each record key: the place of its handle in increasing order."""
        numbers = np.empty(len(self), dtype=np.uint32)
        numbers[self.by_handle()] = np.arange(len(self), dtype=np.uint32)
        return numbers

    def by_handle(self) -> NDArray[np.intp]:
        """Return the places of the map in increasing order of handles."""
        high, low = _halves(self.handles)
        order: NDArray[np.intp] = np.lexsort((low, high))
        return order

    def places(self, wanted: RecordKeys) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the place of each record key in the map, and whether it is there."""
        return _places(self.keys, wanted)

    def records(self, wanted: Handles) -> tuple[RecordKeys, NDArray[np.bool_]]:
        """Return the record key of each handle, and whether it is there: else the key is all zero."""
        order = self.by_handle()
        place, known = _places(_halves(self.handles[order]), _halves(wanted))
        found = RecordKeys(*np.zeros((2, len(place)), dtype=np.uint64))
        for half, own in zip(found, self.keys, strict=True):
            half[known] = own[order[place[known]]]
        return found, known


def draw_handles(name: MapName, wanted: RecordKeys, label_of: LabelOf | None = None) -> HandleMap:
    """Return a map with a fresh random handle for each distinct record key."""
    distinct = _sorted_distinct(wanted)
    handles = _draw_handles(len(distinct.high))
    if label_of is not None:
        labels = label_of(distinct)
        handles[:, : labels.shape[1]] = labels
    return HandleMap(name, distinct, handles)


def derive_map_keys(workspace_key: bytes, project: str) -> MapKeys:
    """Return the sub-keys of one project's maps (HKDF-SHA256, a label each)."""

    def sub_key(label: str) -> bytes:
        info = f"blindlink/v1/workspace/{label}/{project}".encode("ascii")
        return HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(workspace_key)

    return MapKeys(record_id=sub_key("record-id"), seal=sub_key("handle-map"))


def record_keys(keys: MapKeys, record_ids: Sequence[str]) -> RecordKeys:
    """Return the record keys of record IDs, which count to the letter: spaces and zeros matter."""
    digests = b"".join(
        hmac.digest(keys.record_id, record_id.encode("utf-8", "surrogatepass"), "sha256")[:16]
        for record_id in record_ids
    )
    pairs = np.frombuffer(digests, dtype=">u8").reshape(-1, 2).astype(np.uint64)
    return RecordKeys(pairs[:, 0].copy(), pairs[:, 1].copy())


def key_text(keys: RecordKeys, place: int) -> str:
    """Return one record key as 32 hexadecimal digits."""
    return f"{int(keys.high[place]):016x}{int(keys.low[place]):016x}"


def keys_of_texts(texts: Sequence[str]) -> RecordKeys:
    """Return record keys from their 32 hexadecimal digits."""
    pairs = np.frombuffer(bytes.fromhex("".join(texts)), dtype=">u8").reshape(-1, 2)
    return RecordKeys(pairs[:, 0].astype(np.uint64), pairs[:, 1].astype(np.uint64))


def write_handle_map(path: Path, handle_map: HandleMap, keys: MapKeys) -> None:
    """Write the map sealed, in place of the former one."""
    head = MAGIC + _header_line(handle_map.name, len(handle_map))
    cipher = AESGCM(keys.seal)
    with replacing(path) as file:
        file.write(head)
        for number, plain in enumerate(_segments(handle_map)):
            nonce = secrets.token_bytes(NONCE_BYTES)
            file.write(nonce + cipher.encrypt(nonce, plain, _bound_to(head, number)))


def read_handle_map(path: Path, name: MapName, keys: MapKeys) -> HandleMap:
    """Read a map.

    Raises:
        HandleMapError: missing, damaged, of another container, or sealed under another workspace key.
    """
    try:
        with path.open("rb") as file:
            return _read_sealed(file, name, keys)
    except FileNotFoundError:
        raise HandleMapError(
            f"the workspace has no handles of round {name.round} for {name.partner}",
            hint="name the workspace in which the file was encoded, or restore it from its backup",
        ) from None


def _read_sealed(file: IO[bytes], name: MapName, keys: MapKeys) -> HandleMap:
    head = file.read(len(MAGIC)) + file.readline(MAX_HEADER_BYTES)
    n_records = _stated_records(head, name)
    # Before memory is given: the head is believed only once a segment has authenticated it.
    if os.fstat(file.fileno()).st_size != len(head) + _sealed_bytes(n_records):
        raise HandleMapError("the handle map is shorter or longer than it states")
    high = np.empty(n_records, dtype=np.uint64)
    low = np.empty(n_records, dtype=np.uint64)
    handles = np.empty((n_records, HANDLE_BYTES), dtype=np.uint8)
    cipher = AESGCM(keys.seal)
    for number, start in enumerate(range(0, n_records, SEGMENT_RECORDS)):
        end = min(n_records, start + SEGMENT_RECORDS)
        part = _open_segment(file, cipher, end - start, _bound_to(head, number))
        high[start:end], low[start:end], handles[start:end] = (
            part["high"],
            part["low"],
            part["handle"],
        )
    return HandleMap(name, RecordKeys(high, low), handles)


def _stated_records(head: bytes, name: MapName) -> int:
    if not head.startswith(MAGIC):
        raise HandleMapError("the file is not a handle map of this version")
    try:
        stated = json.loads(head[len(MAGIC) :])
        n_records = int(stated["records"])
    except (ValueError, KeyError, TypeError) as exc:
        raise HandleMapError("the head of the handle map is damaged") from exc
    if not 0 <= n_records < 2**40 or head != MAGIC + _header_line(name, n_records):
        raise HandleMapError("the handle map belongs to another container")
    return n_records


def _sealed_bytes(n_records: int) -> int:
    n_segments = -(-n_records // SEGMENT_RECORDS)
    return n_records * _SEALED.itemsize + n_segments * (NONCE_BYTES + TAG_BYTES)


def _open_segment(
    file: IO[bytes], cipher: AESGCM, n_records: int, bound_to: bytes
) -> NDArray[np.void]:
    size = n_records * _SEALED.itemsize + NONCE_BYTES + TAG_BYTES
    sealed = file.read(size)
    try:
        plain = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as exc:
        raise HandleMapError(
            "the handle map is damaged, or was sealed with another workspace key",
            hint="restore the workspace from its backup, workspace.key included",
        ) from exc
    return np.frombuffer(plain, dtype=_SEALED)


def _segments(handle_map: HandleMap) -> Iterator[bytes]:
    for start in range(0, len(handle_map), SEGMENT_RECORDS):
        chosen = slice(start, start + SEGMENT_RECORDS)
        handles = handle_map.handles[chosen]
        plain = np.empty(len(handles), dtype=_SEALED)
        plain["high"] = handle_map.keys.high[chosen]
        plain["low"] = handle_map.keys.low[chosen]
        plain["handle"] = handles
        yield plain.tobytes()


def _header_line(name: MapName, n_records: int) -> bytes:
    return canonical_bytes({**name._asdict(), "records": n_records}) + b"\n"


def _bound_to(head: bytes, number: int) -> bytes:
    return head + struct.pack(">I", number)


def _halves(handles: Handles) -> RecordKeys:
    halves = np.ascontiguousarray(handles).view(">u8").reshape(-1, 2).astype(np.uint64)
    return RecordKeys(halves[:, 0], halves[:, 1])


def _places(there: RecordKeys, wanted: RecordKeys) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the place of each number among those that are there, in order, and whether it is one of them."""
    place = np.searchsorted(there.high, wanted.high)
    known = np.zeros(len(place), dtype=bool)
    open_questions = np.flatnonzero(place < len(there.high))
    # Two records share their first 64 bits once in a million maps of this size; step over such runs.
    while len(open_questions):
        here = place[open_questions]
        same = there.high[here] == wanted.high[open_questions]
        hit = same & (there.low[here] == wanted.low[open_questions])
        known[open_questions[hit]] = True
        open_questions = open_questions[same & ~hit]
        place[open_questions] += 1
        open_questions = open_questions[place[open_questions] < len(there.high)]
    return place, known


def _sorted_distinct(keys: RecordKeys) -> RecordKeys:
    order = np.lexsort((keys.low, keys.high))
    high, low = keys.high[order], keys.low[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return RecordKeys(high[first], low[first])


def _draw_handles(n_handles: int) -> Handles:
    drawn = secrets.token_bytes(n_handles * HANDLE_BYTES)
    return np.frombuffer(bytearray(drawn), dtype=np.uint8).reshape(n_handles, HANDLE_BYTES)
