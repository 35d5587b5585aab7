"""Tables of releases, of the sealed pieces of their files, and of ID spaces that outlast a run."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

TIME = String(20)
DIGEST = String(64)
NAME = String(40)
RANDOM_ID = String(36)


class Release(Base):
    """What one run has for one recipient; the file is there until `keep_until`.

    `agency` is the party that fetches the file: of mode `blind` the one whose records it is about, else the
    recipient. `agreement`, `purpose` and `floor` are those of the terms that the run was asked for under.
    `sha256` and `size_bytes` are those of the file in the clear. `entry` is the index of its
    `release-prepared` entry in the match log, `entry_size` the size of the checkpoint that first covered
    it. `fetched` is null until the file was first handed out, `verified` until whoever fetched it has said
    that it is whole, `destroyed` until its time was over. `refused` is the hour in which a refused fetch was
    logged last.
    `is_shredded` says that its key and pieces are gone too.
    """

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("run", "recipient", "agency"),)

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    run: Mapped[str] = mapped_column(ForeignKey("run.id"))
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), index=True)
    recipient: Mapped[str] = mapped_column(ForeignKey("party.name"), index=True)
    agency: Mapped[str] = mapped_column(ForeignKey("party.name"), index=True)
    mode: Mapped[str] = mapped_column(String(12))
    space: Mapped[str] = mapped_column(NAME)
    agreement: Mapped[str] = mapped_column(DIGEST)
    purpose: Mapped[str] = mapped_column(String(60))
    floor: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(DIGEST)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    links: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[str] = mapped_column(TIME)
    keep_until: Mapped[str] = mapped_column(TIME)
    entry: Mapped[int] = mapped_column(BigInteger)
    entry_size: Mapped[int] = mapped_column(BigInteger)
    fetched: Mapped[str | None] = mapped_column(TIME)
    verified: Mapped[str | None] = mapped_column(TIME)
    refused: Mapped[str | None] = mapped_column(TIME)
    destroyed: Mapped[str | None] = mapped_column(TIME)
    is_shredded: Mapped[bool] = mapped_column(default=False)


class ReleasePiece(Base):
    """One sealed piece of a release file, in order."""

    __tablename__ = "release_piece"

    release: Mapped[str] = mapped_column(ForeignKey("release.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    blob: Mapped[str] = mapped_column(DIGEST, unique=True)


class LastingSpace(Base):
    """An ID space that lasts for an epoch of its project: which handle has which link ID, sealed.

    `revision` counts the runs that have changed it. Each revision is a new object under a key of its
    own: `object` is its id in the key store, `blob` what is sealed. It lives as long as the newest release
    that was made of it.
    """

    __tablename__ = "lasting_space"

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    object: Mapped[str] = mapped_column(RANDOM_ID)
    revision: Mapped[int] = mapped_column(Integer)
    keep_until: Mapped[str] = mapped_column(TIME)
    blob: Mapped[str] = mapped_column(DIGEST, unique=True)
