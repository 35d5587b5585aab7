"""Tables of destructions, their objects, and what persons have signed about them."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

TIME = String(20)
DIGEST = String(64)
NAME = String(40)
CODE = String(60)
RANDOM_ID = String(36)


class Destruction(Base):
    """What is or was destroyed at one time; `id` is its certificate's.

    `scope`, `subject` and `reason` are as in schemas.rounds.destruction. `asked_by` and `person` are null where
    a rule asked for it. `certificate`, its digest `sha256`, the log's key that signed it and the `signature`
    are null until all is gone. `entry` is the index of its `destruction-certified` entry in the match log,
    `entry_size` the size of the checkpoint that first covered it.
    """

    __tablename__ = "destruction"
    __table_args__ = (Index("ix_destruction_open", "certificate_sha256"),)

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), index=True)
    agreement: Mapped[str] = mapped_column(DIGEST)
    purpose: Mapped[str] = mapped_column(CODE)
    floor: Mapped[int] = mapped_column(BigInteger)
    scope: Mapped[str] = mapped_column(String(12))
    subject: Mapped[str | None] = mapped_column(NAME)
    reason: Mapped[str] = mapped_column(CODE)
    asked_by: Mapped[str | None] = mapped_column(NAME)
    person: Mapped[str | None] = mapped_column(RANDOM_ID)
    asked: Mapped[str] = mapped_column(TIME)
    certificate: Mapped[str | None] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column("certificate_sha256", DIGEST)
    log_key: Mapped[str | None] = mapped_column(String(300))
    signature: Mapped[str | None] = mapped_column(String(88))
    entry: Mapped[int | None] = mapped_column(BigInteger)
    entry_size: Mapped[int | None] = mapped_column(BigInteger)


class DestructionObject(Base):
    """One object of a destruction, as the certificate lists it; its key has the same name."""

    __tablename__ = "destruction_object"

    destruction: Mapped[str] = mapped_column(ForeignKey("destruction.id"), primary_key=True)
    object: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    party: Mapped[str | None] = mapped_column(NAME)
    sha256: Mapped[str] = mapped_column(DIGEST)
    count: Mapped[int | None] = mapped_column("n_items", BigInteger)
    pieces: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[str | None] = mapped_column(TIME)
    destroyed: Mapped[str] = mapped_column(TIME)
    entry: Mapped[int | None] = mapped_column("entry_index", BigInteger)


class DestructionSignature(Base):
    """A party's counter-signature under a certificate; `document` is what was signed."""

    __tablename__ = "destruction_signature"

    destruction: Mapped[str] = mapped_column(ForeignKey("destruction.id"), primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    document: Mapped[str] = mapped_column(Text)


class DestructionStatement(Base):
    """A party's statement of what it has deleted itself; `document` is what was signed, `at` its own time."""

    __tablename__ = "destruction_statement"

    sha256: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), index=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"))
    at: Mapped[str] = mapped_column(TIME)
    document: Mapped[str] = mapped_column(Text)
