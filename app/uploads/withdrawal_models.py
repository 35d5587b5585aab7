"""The table of records that their agencies have withdrawn."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class WithdrawnRecord(Base):
    """A record that no run of the epoch compares; `digest` stands for its handle, which is kept nowhere."""

    __tablename__ = "withdrawn_record"

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
