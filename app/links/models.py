"""The table of releases; a release's file is the sealed object of its id."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, due_index

TIME = String(20)
DIGEST = String(64)
NAME = String(40)
RANDOM_ID = String(36)


class Release(Base):
    """What one run, or its review, has for one recipient; the file is there until `keep_until`.

    `number` counts the releases of the round: 1 has what the run linked, the others what reviewers accepted.
    `agency` is the party that fetches the file: of mode `blind` the one whose records it is about, else the
    recipient. `partner` is whose file that agency's was compared with, null in mode `count`.
    `agreement`, `purpose` and `floor` are those of the terms that the run was asked for under.
    `sha256` and `size_bytes` are those of the file in the clear. `entry` is the index of its
    `release-prepared` entry in the match log, `entry_size` the size of the checkpoint that first covered
    it. `fetched` is null until the file was first handed out, `verified` until anyone who fetched it has said
    that it is whole, `destroyed` until its time was over. `refused` is the hour in which a refused fetch was
    logged last.
    """

    __tablename__ = "release"
    __table_args__ = (
        UniqueConstraint("run", "number", "recipient", "agency"),
        due_index("release"),
    )

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    run: Mapped[str] = mapped_column(ForeignKey("run.id"))
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), index=True)
    recipient: Mapped[str] = mapped_column(ForeignKey("party.name"), index=True)
    agency: Mapped[str] = mapped_column(ForeignKey("party.name"), index=True)
    round: Mapped[int] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer)
    partner: Mapped[str | None] = mapped_column(NAME)
    mode: Mapped[str] = mapped_column(String(12))
    space: Mapped[str] = mapped_column(NAME)
    agreement: Mapped[str] = mapped_column(DIGEST)
    purpose: Mapped[str] = mapped_column(String(60))
    floor: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(DIGEST)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    matches: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[str] = mapped_column(TIME)
    keep_until: Mapped[str] = mapped_column(TIME)
    entry: Mapped[int] = mapped_column(BigInteger)
    entry_size: Mapped[int] = mapped_column(BigInteger)
    fetched: Mapped[str | None] = mapped_column(TIME)
    verified: Mapped[str | None] = mapped_column(TIME)
    refused: Mapped[str | None] = mapped_column(TIME)
    destroyed: Mapped[str | None] = mapped_column(TIME)
