"""The table of requests that were refused in an hour that is not summed up yet."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

CODE = String(60)
TIME = String(20)


class RefusedRequests(Base):
    """How many requests of a party in a project were refused for one reason in one hour.

    `why` is the code of the refusal, `clause` that of the clause it named, empty where it named none.
    """

    __tablename__ = "refused_requests"

    hour: Mapped[str] = mapped_column(TIME, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    why: Mapped[str] = mapped_column(CODE, primary_key=True)
    clause: Mapped[str] = mapped_column(CODE, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
