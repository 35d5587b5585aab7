"""Tables of match records, and of the openings made of each; both are pieces of the record's sealed object."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, due_index

TIME = String(20)
DIGEST = String(64)
NAME = String(40)
RANDOM_ID = String(36)


class MatchRecord(Base):
    """A match record of one run; its rows are there until `keep_until`.

    `release` is 1 for what the run decided itself, else the number of the release of what reviewers accepted.
    `object` is the id of its sealed object, `header` is the record's first line and `root` what the match log
    says of the whole. `agreement` and `purpose` are those that the run was asked for under. `destroyed` is
    null until its time was over.
    """

    __tablename__ = "match_record"
    __table_args__ = (due_index("match_record"),)

    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    release: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), index=True)
    agreement: Mapped[str] = mapped_column(DIGEST)
    purpose: Mapped[str] = mapped_column(String(60))
    object: Mapped[str] = mapped_column(RANDOM_ID, unique=True)
    header: Mapped[str] = mapped_column(Text)
    root: Mapped[str] = mapped_column(DIGEST)
    keep_until: Mapped[str] = mapped_column(TIME)
    destroyed: Mapped[str | None] = mapped_column(TIME)


class RunOpenings(Base):
    """What opens one agency's commitments of a match record; size and digest are in the clear."""

    __tablename__ = "run_openings"
    __table_args__ = (
        ForeignKeyConstraint(["run", "release"], ["match_record.run", "match_record.release"]),
    )

    run: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    release: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    party: Mapped[str] = mapped_column(NAME, primary_key=True)
    sha256: Mapped[str] = mapped_column(DIGEST)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
