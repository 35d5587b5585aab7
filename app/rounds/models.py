"""Tables of nonces, of rounds and their pairs, and of sealed messages that recipients send each other."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, due_index

# Times are `clock.utc_text`: they compare as text, alike on both databases.
TIME = String(20)
DIGEST = String(64)
NAME = String(40)
RANDOM_ID = String(36)

_IS_OPEN = text("state = 'open'")


class OfferedNonce(Base):
    """One nonce of a party; `state` is `unspent`, `used` or `void`. A nonce is offered once in a project."""

    __tablename__ = "offered_nonce"
    __table_args__ = (UniqueConstraint("project", "nonce"),)

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    nonce: Mapped[str] = mapped_column(DIGEST)
    state: Mapped[str] = mapped_column(String(8))


class Round(Base):
    """One round of a project; `state` is one of schemas.rounds.rounds.RoundState, and at most one is open.

    `corrects` is the round that it takes the place of, `superseded_by` the one that takes its own: null where
    there is none. `entry` is the index of its `round-opened` entry in the match log, `closing` that of its
    `round-closed` entry, null before; the sizes are those of the checkpoints that first covered them.
    """

    __tablename__ = "round"
    __table_args__ = (
        Index(
            "ix_round_open",
            "project",
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
    )

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(12))
    opened: Mapped[str] = mapped_column(TIME)
    deadline: Mapped[str] = mapped_column(TIME)
    corrects: Mapped[int | None] = mapped_column(Integer)
    superseded_by: Mapped[int | None] = mapped_column(Integer)
    entry: Mapped[int] = mapped_column(BigInteger)
    entry_size: Mapped[int] = mapped_column(BigInteger)
    closing: Mapped[int | None] = mapped_column(BigInteger)
    closing_size: Mapped[int | None] = mapped_column(BigInteger)


class RoundPairing(Base):
    """Two parties of a round, with their nonces, what came of them, and whether something was handed out.

    A root is null until that party's container is committed, `earlier` is who committed first, `run` null
    until there is one; `run_state` is that of the newest run. `space` is the link-ID set in which both receive
    links, null where there is none: then no claims are due.
    """

    __tablename__ = "round_pair"
    __table_args__ = (
        ForeignKeyConstraint(["project", "round"], ["round.project", "round.number"]),
    )

    project: Mapped[str] = mapped_column(NAME, primary_key=True)
    round: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    larger: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    smaller: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    number_larger: Mapped[int] = mapped_column(BigInteger)
    nonce_larger: Mapped[str] = mapped_column(DIGEST)
    number_smaller: Mapped[int] = mapped_column(BigInteger)
    nonce_smaller: Mapped[str] = mapped_column(DIGEST)
    space: Mapped[str | None] = mapped_column(NAME)
    root_larger: Mapped[str | None] = mapped_column(DIGEST)
    root_smaller: Mapped[str | None] = mapped_column(DIGEST)
    earlier: Mapped[str | None] = mapped_column(NAME)
    run: Mapped[str | None] = mapped_column(RANDOM_ID, index=True)
    run_state: Mapped[str | None] = mapped_column(String(12))
    is_handed_out: Mapped[bool] = mapped_column(default=False)


class Supplement(Base):
    """A release of a round after the first one, of one pair: what reviewers accepted of what a run sent to
    review.

    `state` is `open` or `closed`. `space` is the link-ID set in which both receive links, null where there is
    none: then no claims are due. `closing` is the index of its `supplement-closed` entry in the match log, null
    before, `closing_size` that of the checkpoint that first covered it.
    """

    __tablename__ = "supplement"
    __table_args__ = (
        ForeignKeyConstraint(["project", "round"], ["round.project", "round.number"]),
    )

    project: Mapped[str] = mapped_column(NAME, primary_key=True)
    round: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    release: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    run: Mapped[str] = mapped_column(RANDOM_ID, unique=True)
    larger: Mapped[str] = mapped_column(NAME)
    smaller: Mapped[str] = mapped_column(NAME)
    space: Mapped[str | None] = mapped_column(NAME)
    state: Mapped[str] = mapped_column(String(8))
    closing: Mapped[int | None] = mapped_column(BigInteger)
    closing_size: Mapped[int | None] = mapped_column(BigInteger)


class SealedMessage(Base):
    """A party's newest sealed message of a round: claims for a partner, or its statement for a link-ID set.

    `kind` is `claims` or `statement`, `target` the partner or the space. `release` is the number of the release
    that claims are about, 1 for statements. `sequence` counts the party's messages
    of this kind to this target over all rounds. `object` is the id of its sealed object. `fetched` is null
    until someone had it, `destroyed` until its time was over.
    """

    __tablename__ = "sealed_message"
    __table_args__ = (
        ForeignKeyConstraint(["project", "round"], ["round.project", "round.number"]),
        due_index("sealed_message"),
    )

    project: Mapped[str] = mapped_column(NAME, primary_key=True)
    round: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    target: Mapped[str] = mapped_column(NAME, primary_key=True)
    release: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
    object: Mapped[str] = mapped_column(RANDOM_ID, unique=True)
    sha256: Mapped[str] = mapped_column(DIGEST)
    received: Mapped[str] = mapped_column(TIME)
    keep_until: Mapped[str] = mapped_column(TIME)
    fetched: Mapped[str | None] = mapped_column(TIME)
    destroyed: Mapped[str | None] = mapped_column(TIME)
