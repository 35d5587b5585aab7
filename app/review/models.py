"""Tables of reviews and of what persons stated in them; questions, cards and decisions are sealed."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, due_index

TIME = String(20)
DIGEST = String(64)
RANDOM_ID = String(36)

_IS_OPEN = text("state != 'ended'")


class Review(Base):
    """The review of one run: of whose pairs sent to review, until when, and what came of it.

    `state` is one of schemas.rounds.review.ReviewState. `agreement`, `purpose`, `floor` and `persons` are those
    of the terms that the run was asked for under. `object` is the id of the sealed object with all that tells
    of records; it ends with the review, from `keep_until` on, which is null before. `answer_sha256` is the
    digest of the cards as they were sent, null before. Counts of what was decided are null until the end, and
    where that is a destruction; `accepted` leaves out what a release could not have since a record was
    withdrawn. `agreed` is then a JSON list: how often each two persons gave which verdicts on one question.
    `release` is null where nothing was released. `entry` is the index of its `review-asked` entry in the match
    log, `entry_size` the size of the checkpoint that first covered it.
    """

    __tablename__ = "review"
    __table_args__ = (
        Index("ix_review_open", "deadline", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
        due_index("review"),
    )

    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), index=True)
    round: Mapped[int] = mapped_column(Integer)
    reviewer: Mapped[str] = mapped_column(ForeignKey("party.name"))
    asked: Mapped[str] = mapped_column(ForeignKey("party.name"))
    agreement: Mapped[str] = mapped_column(DIGEST)
    purpose: Mapped[str] = mapped_column(String(60))
    floor: Mapped[int] = mapped_column(Integer)
    persons: Mapped[int] = mapped_column(Integer)
    object: Mapped[str] = mapped_column(RANDOM_ID, unique=True)
    state: Mapped[str] = mapped_column(String(8))
    created: Mapped[str] = mapped_column(TIME)
    deadline: Mapped[str] = mapped_column(TIME)
    questions: Mapped[int] = mapped_column(Integer)
    buckets: Mapped[int] = mapped_column(Integer)
    entry: Mapped[int] = mapped_column(BigInteger)
    entry_size: Mapped[int] = mapped_column(BigInteger)
    answered: Mapped[str | None] = mapped_column(TIME)
    answer_sha256: Mapped[str | None] = mapped_column(DIGEST)
    ended: Mapped[str | None] = mapped_column(TIME)
    reason: Mapped[str | None] = mapped_column(String(12))
    accepted: Mapped[int | None] = mapped_column(Integer)
    rejected: Mapped[int | None] = mapped_column(Integer)
    agreed: Mapped[str | None] = mapped_column(Text)
    release: Mapped[int | None] = mapped_column(Integer)
    keep_until: Mapped[str | None] = mapped_column(TIME)
    destroyed: Mapped[str | None] = mapped_column(TIME)


class ReviewedFile(Base):
    """A file of a review that may be handed out; `what` is one of schemas.rounds.review.ReviewFile."""

    __tablename__ = "review_file"

    run: Mapped[str] = mapped_column(ForeignKey("review.run"), primary_key=True)
    what: Mapped[str] = mapped_column(String(12), primary_key=True)
    sha256: Mapped[str] = mapped_column(DIGEST)
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class StatedDecision(Base):
    """One statement of a reviewer about decisions; `document` is the signed statement.

    `place` counts the review's statements, from 0: the decisions are the piece of this number. The counts are
    of its verdicts.
    """

    __tablename__ = "review_statement"

    run: Mapped[str] = mapped_column(ForeignKey("review.run"), primary_key=True)
    person: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(Integer)
    document: Mapped[str] = mapped_column(Text)
    is_last: Mapped[bool] = mapped_column()
    received: Mapped[str] = mapped_column(TIME)
    accepted: Mapped[int] = mapped_column(Integer)
    rejected: Mapped[int] = mapped_column(Integer)
    unsure: Mapped[int] = mapped_column(Integer)
