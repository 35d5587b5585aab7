"""Tables of match records, of the openings made of each, and of the sealed pieces of both."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

TIME = String(20)
DIGEST = String(64)
NAME = String(40)
RANDOM_ID = String(36)
# What a piece is of: `rows`, `summary`, or `openings.` and a party's name.
PART = String(50)


class MatchRecord(Base):
    """One run's match record; its rows are there until `keep_until`.

    `object` names its key in the key store, `header` is the record's first line and `root` what the match log
    says of the whole. `agreement` and `purpose` are those that the run was asked for under. `destroyed` is
    null until its time was over; `is_shredded` says that its key and pieces are gone too.
    """

    __tablename__ = "match_record"

    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), index=True)
    agreement: Mapped[str] = mapped_column(DIGEST)
    purpose: Mapped[str] = mapped_column(String(60))
    object: Mapped[str] = mapped_column(RANDOM_ID, unique=True)
    header: Mapped[str] = mapped_column(Text)
    root: Mapped[str] = mapped_column(DIGEST)
    keep_until: Mapped[str] = mapped_column(TIME)
    destroyed: Mapped[str | None] = mapped_column(TIME)
    is_shredded: Mapped[bool] = mapped_column(default=False)


class RunOpenings(Base):
    """What opens one agency's commitments of a run's match record; size and digest are in the clear."""

    __tablename__ = "run_openings"

    run: Mapped[str] = mapped_column(ForeignKey("match_record.run"), primary_key=True)
    party: Mapped[str] = mapped_column(NAME, primary_key=True)
    sha256: Mapped[str] = mapped_column(DIGEST)
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class MatchRecordPiece(Base):
    """One sealed piece of a match record, in order within its part."""

    __tablename__ = "match_record_piece"

    run: Mapped[str] = mapped_column(ForeignKey("match_record.run"), primary_key=True)
    part: Mapped[str] = mapped_column(PART, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    blob: Mapped[str] = mapped_column(DIGEST, unique=True)
