"""Tables of what was noted as overdue, and of what was told of it by which way."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

TIME = String(20)
NAME = String(40)
CODE = String(60)
RANDOM_ID = String(36)
# `mail:` and the name of a party.
OUTLET = String(48)


class Alarm(Base):
    """One thing that was overdue; `project` is empty, not null, for what concerns the broker as a whole.

    What it is stands in schemas.reports.overdue. `raised` is when it was noted, `done` when it was found to be
    overdue no more: null until then.
    """

    __tablename__ = "alarm"
    __table_args__ = (UniqueConstraint("project", "what", "object", "party", "since"),)

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    project: Mapped[str] = mapped_column(NAME)
    what: Mapped[str] = mapped_column(String(12))
    object: Mapped[str] = mapped_column(CODE)
    party: Mapped[str] = mapped_column(NAME)
    duty: Mapped[str] = mapped_column(String(12))
    since: Mapped[str] = mapped_column(TIME)
    raised: Mapped[str] = mapped_column(TIME)
    done: Mapped[str | None] = mapped_column(TIME, index=True)


class AlarmMessage(Base):
    """What was told of an alarm by one outlet, `webhook` or `mail:` and a party; null until it was.

    `next_try` is when it is told next, and what keeps another worker from telling it meanwhile; `failures`
    counts those since the last message that left.
    """

    __tablename__ = "alarm_message"

    alarm: Mapped[str] = mapped_column(ForeignKey("alarm.id"), primary_key=True)
    outlet: Mapped[str] = mapped_column(OUTLET, primary_key=True)
    first_told: Mapped[str | None] = mapped_column(TIME)
    last_told: Mapped[str | None] = mapped_column(TIME)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    next_try: Mapped[str] = mapped_column(TIME)
