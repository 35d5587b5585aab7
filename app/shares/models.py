"""Tables of shares on their way from holder to holder, and of what the holders confirmed."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

# Times are `clock.utc_text`: they compare as text, alike on both databases.
TIME = String(20)
DIGEST = String(64)
RANDOM_ID = String(36)
KEY_ID = String(16)


class RelayedShare(Base):
    """One holder's share for another, whose `document` only that one can open.

    `document` is canonical JSON, and null once its recipient has confirmed the secret: it has served.
    `fetched` is null until the recipient has taken it.
    """

    __tablename__ = "relayed_share"
    __table_args__ = (UniqueConstraint("project", "epoch", "sender", "recipient"),)

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"))
    epoch: Mapped[int] = mapped_column(Integer)
    sender: Mapped[str] = mapped_column(ForeignKey("party.name"))
    recipient: Mapped[str] = mapped_column(ForeignKey("party.name"))
    sha256: Mapped[str] = mapped_column(DIGEST)
    document: Mapped[str | None] = mapped_column(Text)
    created: Mapped[str] = mapped_column(TIME)
    fetched: Mapped[str | None] = mapped_column(TIME)


class Confirmation(Base):
    """The newest confirmation of one holder; `document` is its canonical JSON."""

    __tablename__ = "secret_confirmation"

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    key_id: Mapped[str] = mapped_column(KEY_ID)
    sha256: Mapped[str] = mapped_column(DIGEST)
    document: Mapped[str] = mapped_column(Text)
    created: Mapped[str] = mapped_column(TIME)
