"""All queries of alarms and of what was told of them, for the broker itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.db import LIST_LIMIT
from app.deadlines.models import Alarm, AlarmMessage


def open_alarms(session: Session) -> Sequence[Alarm]:
    """Return all alarms that are not done, by project."""
    query = select(Alarm).where(Alarm.done.is_(None))
    return session.scalars(query.order_by(Alarm.project, Alarm.since, Alarm.id)).all()


def alarms_of(session: Session, project: str) -> Sequence[Alarm]:
    """Return a project's alarms, done or not; empty stands for the broker as a whole."""
    query = select(Alarm).where(Alarm.project == project)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def untold(
    session: Session, outlet: str, party: str | None, now: str, latest: str
) -> Sequence[Alarm]:
    """Return some alarms that are not done, and that an outlet is to tell by now, the oldest first."""
    message, due = (
        and_(AlarmMessage.alarm == Alarm.id, AlarmMessage.outlet == outlet),
        AlarmMessage.next_try,
    )
    query = (
        select(Alarm)
        .outerjoin(AlarmMessage, message)
        .where(Alarm.done.is_(None), or_(due.is_(None), due <= now, due > latest))
    )
    if party is not None:
        query = query.where(Alarm.party == party)
    return session.scalars(query.order_by(Alarm.since, Alarm.id).limit(LIST_LIMIT)).all()


def lock_alarms(session: Session, alarms: Collection[str]) -> Sequence[Alarm]:
    """Return, locked, those of these alarms that are not done, the oldest first."""
    query = select(Alarm).where(Alarm.id.in_(alarms), Alarm.done.is_(None))
    query = query.order_by(Alarm.since, Alarm.id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def find_message(session: Session, alarm: str, outlet: str) -> AlarmMessage | None:
    """Return what an outlet has told of an alarm; the alarm is locked."""
    return session.get(AlarmMessage, (alarm, outlet), populate_existing=True)


def messages_of(session: Session, alarms: Collection[str], outlet: str) -> Sequence[AlarmMessage]:
    """Return, locked, what an outlet has told of these alarms."""
    query = select(AlarmMessage).where(
        AlarmMessage.alarm.in_(alarms), AlarmMessage.outlet == outlet
    )
    query = query.order_by(AlarmMessage.alarm).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()
