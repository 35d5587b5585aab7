"""Tables of the match log. Rows of leaves, nodes, checkpoints and keys are only ever added.

Hashes have 32 bytes. `project` is empty, not null, for entries of no project, so that their places are
unique too.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

HEAD_ID: Final = 1
NO_PROJECT: Final = ""

# On SQLite only a column declared INTEGER is the row's own number, which keeps leaves in order on disk.
SIZE = BigInteger().with_variant(Integer, "sqlite")
HASH = LargeBinary(32)
KEY = String(300)


_MESSAGE = "the match log only grows"


class LogHead(Base):
    """The one row that a writer locks: size, number of batches, last time, frontier, key in force."""

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(SIZE)
    batch: Mapped[int] = mapped_column(SIZE)
    time: Mapped[str] = mapped_column(String(20))
    frontier: Mapped[bytes] = mapped_column(LargeBinary)
    key: Mapped[str] = mapped_column(KEY)


class LogLeaf(Base):
    """One entry's canonical bytes and the hash of its leaf."""

    __tablename__ = "log_leaf"
    # The index: without it, a walk through the log looks for the next entry of a project that has none.
    __table_args__ = (
        UniqueConstraint("project", "place"),
        Index("ix_log_leaf_project_seq", "project", "seq"),
    )

    seq: Mapped[int] = mapped_column(SIZE, primary_key=True, autoincrement=False)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(HASH)
    project: Mapped[str] = mapped_column(String(40))
    place: Mapped[int] = mapped_column(SIZE)


class LogNode(Base):
    """The hash of a full node above the leaves: it covers idx * 2^level to (idx + 1) * 2^level."""

    __tablename__ = "log_node"
    # The key is the order of the rows: the nodes of one tile lie side by side.
    __table_args__ = ({"sqlite_with_rowid": False},)

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    idx: Mapped[int] = mapped_column(SIZE, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(HASH)


class LogCheckpoint(Base):
    """The signed note that closes a batch; batches count from 0."""

    __tablename__ = "log_checkpoint"

    size: Mapped[int] = mapped_column(SIZE, primary_key=True, autoincrement=False)
    batch: Mapped[int] = mapped_column(SIZE, unique=True)
    note: Mapped[bytes] = mapped_column(LargeBinary)


class LogCosignature(Base):
    """A witness's signature line over one checkpoint, and the key that verifies it."""

    __tablename__ = "log_cosignature"
    __table_args__ = (Index("ix_log_cosignature_key_size", "key", "size"),)

    size: Mapped[int] = mapped_column(
        ForeignKey("log_checkpoint.size"), primary_key=True, autoincrement=False
    )
    key: Mapped[str] = mapped_column(KEY, primary_key=True)
    line: Mapped[str] = mapped_column(String(1000))
    time_s: Mapped[int] = mapped_column(BigInteger)


class LogKey(Base):
    """A key that signs checkpoints of more than `after_size` entries, until the next one takes over."""

    __tablename__ = "log_key"

    after_size: Mapped[int] = mapped_column(SIZE, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(KEY)


class LoggedSetting(Base):
    """A setting of the broker as it stands behind the newest entry about them; `value` is canonical JSON."""

    __tablename__ = "logged_setting"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class LogPerson(Base):
    """A person as the log's entries have them: by which key they sign, and whether their access has ended."""

    __tablename__ = "log_person"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    signing_key: Mapped[str] = mapped_column(String(44))
    is_revoked: Mapped[bool] = mapped_column(Boolean)


class LogRequest(Base):
    """A signed request that an entry holds, by its digest, and when it was signed."""

    __tablename__ = "log_request"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[str] = mapped_column(String(20), index=True)


# What may be added but never changed or removed; cosignatures may be replaced by later ones.
APPEND_ONLY: Final = (LogLeaf, LogNode, LogCheckpoint, LogKey)


def append_only_ddl(dialect: str, table: str) -> list[str]:
    """Return the statements that make a table append-only on `sqlite` or `postgresql`."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    if dialect == "postgresql":
        return [
            f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_MESSAGE}'; END $$",
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()",
        ]
    raise ValueError("append-only triggers exist for sqlite and postgresql")


def _make_append_only(target: Table, connection: Connection, **_: Any) -> None:
    for statement in append_only_ddl(connection.dialect.name, target.name):
        connection.exec_driver_sql(statement)


for _model in APPEND_ONLY:
    event.listen(_model.__table__, "after_create", _make_append_only)
