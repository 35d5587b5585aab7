"""The tables of the service, in a database of its own: apart from the broker's, and not migrated with them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.db import NAMING

ID = String(48)
DIGEST = String(64)
OBJECT_ID = String(80)
TIME = String(40)


class Tables(DeclarativeBase):
    """The root of the service's tables."""

    metadata = MetaData(naming_convention=NAMING)


class Project(Tables):
    """A project. Of its tokens only the SHA-256 is here; `schema` is what the client sent, as JSON, unread,
    and loaded where a project is described alone.

    `clk_bytes` is null until the first CLKs come, whose size all others must have. `block_key` makes numbers of
    the names of blocks, which nobody can then look up in a table made beforehand.
    """

    __tablename__ = "anonlink_project"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    created: Mapped[str] = mapped_column(TIME, index=True)
    result_type: Mapped[str] = mapped_column(String(20))
    n_parties: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text)
    schema: Mapped[str] = mapped_column(Text, deferred=True)
    uses_blocking: Mapped[bool]
    result_digest: Mapped[str] = mapped_column(DIGEST)
    block_key: Mapped[bytes] = mapped_column(LargeBinary)
    clk_bytes: Mapped[int | None]


class Party(Tables):
    """One data provider of a project; what comes after the upload's token is null until it has uploaded."""

    __tablename__ = "anonlink_party"

    project: Mapped[str] = mapped_column(ForeignKey("anonlink_project.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    upload_digest: Mapped[str] = mapped_column(DIGEST)
    receipt_digest: Mapped[str | None] = mapped_column(DIGEST)
    n_clks: Mapped[int | None]
    clks: Mapped[str | None] = mapped_column(OBJECT_ID)


class Run(Tables):
    """One comparison. `state` is created, queued, running, completed or error; `threshold` is a decimal.

    `attempts` counts how often it was begun, but for those that a stop of the service ended in good order.
    `result` names the sealed object that holds it, and is null until there is one.
    """

    __tablename__ = "anonlink_run"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("anonlink_project.id"), index=True)
    # The order in which runs were asked for, and are done.
    number: Mapped[int] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text)
    threshold: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10), index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    created: Mapped[str] = mapped_column(TIME)
    started: Mapped[str | None] = mapped_column(TIME)
    completed: Mapped[str | None] = mapped_column(TIME)
    message: Mapped[str | None] = mapped_column(Text)
    result: Mapped[str | None] = mapped_column(OBJECT_ID)


class Note(Tables):
    """What was done, for the operator; it outlives the project. Ids and counts alone, no words of a client."""

    __tablename__ = "anonlink_note"

    number: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[str] = mapped_column(TIME)
    what: Mapped[str] = mapped_column(String(30))
    project: Mapped[str] = mapped_column(ID)
    run: Mapped[str | None] = mapped_column(ID)
    party: Mapped[int | None]
    n: Mapped[int | None]
