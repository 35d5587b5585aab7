"""Notes what has become overdue, so that it is told once and then once a day, and what is so no more."""

from __future__ import annotations

from typing import Final, TypeAlias

import structlog
from sqlalchemy.orm import Session

from app.agreements.service import agreement_now
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.deadlines import repository
from app.deadlines.models import Alarm
from app.deadlines.service import NO_PROJECT, Late, all_overdue, overdue_in
from app.ids import new_id
from schemas.reports.overdue import Overdue

ALARM_PREFIX: Final = "alm"

log = structlog.get_logger()

Key: TypeAlias = tuple[str, str, str, str]


def note_overdue(broker: Broker) -> int:
    """Note what has become overdue since the last time, and what is done; returns how much of both.

    Nothing is written where nothing has changed. Killed anywhere, it is done by the next call.

    Raises:
        UnavailableError: the database is not the newest one.
    """
    with broker.database.read() as session:
        broker.log.check(session)
        found = {
            (late.project, _key(late.overdue))
            for late in all_overdue(session, broker, broker.clock())
        }
        known = {(alarm.project, _key_of(alarm)) for alarm in repository.open_alarms(session)}
    n_changed = 0
    for project in sorted({project for project, _ in found ^ known}):
        with broker.database.write() as session:
            n_changed += _note(session, broker, project)
    if n_changed:
        log.info("deadlines_noted", n_changed=n_changed)
    return n_changed


def noted(session: Session) -> list[Late]:
    """Return what was overdue when that was last noted, by project: without working anything out."""
    return [
        Late(
            alarm.project, Overdue(**{name: getattr(alarm, name) for name in Overdue.model_fields})
        )
        for alarm in repository.open_alarms(session)
    ]


def _note(session: Session, broker: Broker, project: str) -> int:
    """Note what has changed in a project, or in the broker as a whole."""
    now = broker.clock()
    # First what binds the project, then the log: two workers do not note the same, and what is done
    # meanwhile is seen. All that lock both do it in this order.
    if project != NO_PROJECT:
        agreement_now(session, project, now)
    broker.log.follow_key(session)
    found = {_key(one): one for one in overdue_in(session, broker, project, now)}
    known = {_key_of(alarm): alarm for alarm in repository.alarms_of(session, project)}
    ended = [alarm for key, alarm in known.items() if alarm.done is None and key not in found]
    for alarm in ended:
        alarm.done = utc_text(now)
    again = [alarm for key, alarm in known.items() if alarm.done is not None and key in found]
    for alarm in again:
        alarm.done = None
    new = [one for key, one in found.items() if key not in known]
    insert_rows(session, *(_alarm(project, one, utc_text(now)) for one in new))
    return len(ended) + len(again) + len(new)


def _alarm(project: str, one: Overdue, now: str) -> Alarm:
    return Alarm(
        id=new_id(ALARM_PREFIX), project=project, **one.model_dump(), raised=now, done=None
    )


def _key(one: Overdue) -> Key:
    return one.what, one.object, one.party, one.since


def _key_of(alarm: Alarm) -> Key:
    return alarm.what, alarm.object, alarm.party, alarm.since
