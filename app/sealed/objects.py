"""Sealed objects from their beginning to their end: drawn, stored in pieces, kept, read, ended.

Key and pieces are durable before the rows that name them, which commit with whatever makes the object count;
a crash in between leaves them without a row, and the sweep takes them. An end is noted in a row too: only
after that has committed are key and pieces removed (`app.sealed.ending`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.blobs import BlobStore
from app.db import Base, Database, insert_rows
from app.errors import RequestError
from app.sealed import repository
from app.sealed.models import RetiredObject, SealedObject, SealedPiece
from app.security.at_rest import seal, unseal
from app.security.keystore import DataKey, KeyStore

PIECE_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """What the pieces of one kind add up to in the clear: its SHA-256 and its size."""

    sha256: str
    size_bytes: int


class NewObject:
    """An object that no row names yet; its pieces are durable as they are written, if it has any by now.

    Draw it before the unit of work in which rows may come to name it, else a slow keeper of keys holds up all
    other writers. As a context manager around that, it destroys itself again where no row does in the end.
    """

    def __init__(self, stores: Stores, object_id: str) -> None:
        """Draw its key, which is durable when this returns."""
        self.id = object_id
        self._stores = stores
        self._key = stores.keystore.create(object_id)
        self._pieces: list[SealedPiece] = []
        self._is_kept = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Not where the commit itself failed: it may have reached the database. The sweep finds out.
        if not self._is_kept or (kind is not None and issubclass(kind, RequestError)):
            self.drop()

    def write(self, kind: str, contents: Iterable[bytes]) -> Content:
        """Store contents as the pieces of one kind, in order; none is in memory longer than that takes.

        Raises:
            StorageFullError: the disk is nearly full.
        """
        digest, size_bytes = hashlib.sha256(), 0
        for number, content in enumerate(contents):
            digest.update(content)
            size_bytes += len(content)
            self.add(kind, number, content)
        return Content(digest.hexdigest(), size_bytes)

    def add(self, kind: str, number: int, content: bytes) -> None:
        """Store one piece, of those that do not come all at once.

        Raises:
            StorageFullError: the disk is nearly full.
        """
        self._pieces.append(_put(self._stores, self._key, kind, number, content))

    def keep(self, session: Session) -> None:
        """Let rows name the object and its pieces."""
        insert_rows(session, SealedObject(id=self.id))
        insert_rows(session, *self._pieces)
        self._is_kept = True

    def drop(self) -> None:
        """Destroy it again: nothing will name it."""
        remove(self._stores, self.id, [piece.blob for piece in self._pieces])


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of one kind of an object, still sealed: each is unsealed when it is asked for.

    `places` are the blobs by the numbers of the pieces, in their order.
    """

    key: DataKey
    kind: str
    places: Mapping[int, str]
    blobs: BlobStore = field(repr=False)

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[bytes]:
        return map(self.piece, self.places)

    def piece(self, number: int) -> bytes:
        """Return one piece in the clear.

        Raises:
            SealBrokenError: it is missing or damaged.
        """
        sealed = self.blobs.get(self.places[number])
        return unseal(self.key, self.kind, self.key.object_id, number, sealed)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file that may be handed out now: what it is in the clear, and its pieces in order."""

    content: Content
    pieces: Pieces


def put_piece(
    stores: Stores,
    object_id: str,
    kind: str,
    number: int,
    content: bytes,
    *,
    sha256: str | None = None,
) -> SealedPiece:
    """Store one more piece of an object and return its row, to be inserted by `app.db.insert_rows`.

    Every sealing draws a nonce, so no other row names its blob.

    Raises:
        KeyGoneError: the object is over.
        StorageFullError: the disk is nearly full.
    """
    piece = _put(stores, stores.keystore.open(object_id), kind, number, content)
    piece.sha256 = sha256
    return piece


def open_pieces(session: Session, stores: Stores, object_id: str, kind: str) -> Pieces:
    """Return the pieces of one kind of an object.

    Raises:
        KeyGoneError: the object is over.
    """
    rows = repository.pieces_of(session, object_id, kind)
    places = {row.number: row.blob for row in rows}
    return Pieces(stores.keystore.open(object_id), kind, places, stores.blobs)


def digests_of(session: Session, object_id: str, kind: str) -> dict[int, str]:
    """Return the digests of the pieces of one kind as they were sent, by number, in order."""
    rows = repository.pieces_of(session, object_id, kind)
    return {row.number: row.sha256 for row in rows if row.sha256 is not None}


def digest_of(session: Session, object_id: str, kind: str, number: int) -> str | None:
    """Return the digest of one piece as it was sent; None: it is not there."""
    found = repository.find_piece(session, object_id, kind, number)
    return None if found is None else found.sha256


def count_pieces(session: Session, object_id: str) -> int:
    """Return how many pieces an object has, of all kinds."""
    return repository.count_pieces(session, object_id)


def present_objects() -> Select[str]:
    """Return the query of the ids of all objects of which something may be left."""
    return repository.present_ids()


def end_objects(session: Session, *object_ids: str) -> None:
    """Note that objects are over, in the transaction that says so of what they hold."""
    repository.end(session, object_ids)


def retire_objects(session: Session, project: str, *object_ids: str) -> None:
    """Note that a project needs these no more: the next sweep ends them, unless a hold keeps them."""
    insert_rows(session, *(RetiredObject(object=one, project=project) for one in object_ids))


def end_retired(session: Session, project: str) -> int:
    """Note that a project's retired objects are over; returns how many. Only where no hold keeps them."""
    return repository.end_retired(session, project)


def remove(stores: Stores, object_id: str, blobs: Iterable[str]) -> None:
    """Destroy an object's key, which destroys it wherever its bytes are, then remove its blobs."""
    stores.keystore.destroy(object_id)
    for blob in blobs:
        stores.blobs.delete(blob)


def cut_pieces(lines: Iterable[bytes], *, piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """Yield a file in pieces of whole lines, each of `piece_bytes` or a little more, the last one shorter.

    So a state's file is never in memory in whole.
    """
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= piece_bytes:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _put(stores: Stores, key: DataKey, kind: str, number: int, content: bytes) -> SealedPiece:
    blob = stores.blobs.put(seal(key, kind, key.object_id, number, content))
    return SealedPiece(object=key.object_id, kind=kind, number=number, blob=blob)


class Stores(Protocol):
    """The rows, the keys and the sealed bytes, each in a place of its own."""

    @property
    def database(self) -> Database:
        """Where rows name objects and pieces."""

    @property
    def keystore(self) -> KeyStore:
        """Where each object has its key."""

    @property
    def blobs(self) -> BlobStore:
        """Where the pieces lie."""


def lay_tables(database: Database) -> None:
    """Make the tables of sealed objects, where they are not there yet, in a database that has no migrations."""
    names = SealedObject.__tablename__, SealedPiece.__tablename__
    tables = [Base.metadata.tables[name] for name in names]
    Base.metadata.create_all(database.engine, tables=tables)
