"""The table of deliveries; a delivery's file is the sealed object of its id."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, due_index

TIME = String(20)
DIGEST = String(64)
NAME = String(40)
RANDOM_ID = String(36)


class Delivery(Base):
    """One sealed file from a sender to a recipient, of a round; it is there until `keep_until`.

    `number` counts the deliveries of the sender to the recipient in the round; the newest one counts, and
    `replaced` is when a later one took this one's place: `keep_until` is that moment then. `agreement` and
    `purpose` are those of the terms that let it go. `sha256` and `size_bytes` are those of the sealed file as
    it came. `entry` is the index of its `delivery-received` entry in the match log, `entry_size` the size of
    the checkpoint that first covered it. `fetched` is null until the file was first handed out, `opened` until
    its recipient said that it could be used, `fault` until it said why not, `destroyed` until its time was
    over.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        ForeignKeyConstraint(["project", "round"], ["round.project", "round.number"]),
        UniqueConstraint("project", "round", "sender", "recipient", "number"),
        due_index("delivery"),
    )

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    project: Mapped[str] = mapped_column(NAME)
    round: Mapped[int] = mapped_column(Integer)
    sender: Mapped[str] = mapped_column(ForeignKey("party.name"))
    recipient: Mapped[str] = mapped_column(ForeignKey("party.name"))
    number: Mapped[int] = mapped_column(Integer)
    agreement: Mapped[str] = mapped_column(DIGEST)
    purpose: Mapped[str] = mapped_column(String(60))
    sha256: Mapped[str] = mapped_column(DIGEST)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[str] = mapped_column(TIME)
    keep_until: Mapped[str] = mapped_column(TIME)
    entry: Mapped[int] = mapped_column(BigInteger)
    entry_size: Mapped[int] = mapped_column(BigInteger)
    replaced: Mapped[str | None] = mapped_column(TIME)
    fetched: Mapped[str | None] = mapped_column(TIME)
    opened: Mapped[str | None] = mapped_column(TIME)
    fault: Mapped[str | None] = mapped_column(String(16))
    destroyed: Mapped[str | None] = mapped_column(TIME)
