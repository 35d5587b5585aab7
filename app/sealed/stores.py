"""What sealed objects lie in, whoever keeps them."""

from __future__ import annotations

from typing import Protocol

from app.blobs import BlobStore
from app.db import Base, Database
from app.sealed.models import SealedObject, SealedPiece
from app.security.keystore import KeyStore


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
