"""Notes what has become overdue, with an entry of the match log each, and what is so no more.

The log says once that a thing is overdue. That it is done follows from what was done, and has its own entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import structlog

from app.agreements.service import agreement_now, binding_terms
from app.clock import utc_text
from app.db import insert_rows
from app.deadlines import repository
from app.deadlines.models import Alarm
from app.deadlines.service import NO_PROJECT, Late, all_overdue, overdue_in
from app.ids import new_id
from app.matchlog.draft import EntryDraft
from schemas.matchlog.kinds import DeadlinePassed
from schemas.overdue import Overdue

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.broker import Broker

ALARM_PREFIX: Final = "alm"

log = structlog.get_logger()

Key: TypeAlias = tuple[str, str, str, str]


def note_overdue(broker: Broker) -> int:
    """Note and log what has become overdue since the last time, and what is done; returns how much of both.

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
    # First what binds the project, then the log: nothing that it has an entry of changes from here on, and what
    # is noted as overdue is so by all entries before it. Whoever else locks both does it in this order.
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
    binding = binding_terms(session, project, now) if project != NO_PROJECT else None
    broker.log.append(session, [_draft(one, binding) for one in new])
    return len(ended) + len(again) + len(new)


def _draft(one: Overdue, binding: TermsInForce | None) -> EntryDraft:
    """Return the entry of what is overdue under terms that bind; None: of the broker as a whole."""
    body = DeadlinePassed(**one.model_dump())
    if binding is None:
        return EntryDraft(body)
    terms = binding.terms
    return EntryDraft(body, project=terms.project, agreement=binding.digest, purpose=terms.purpose)


def _alarm(project: str, one: Overdue, now: str) -> Alarm:
    return Alarm(
        id=new_id(ALARM_PREFIX), project=project, **one.model_dump(), raised=now, done=None
    )


def _key(one: Overdue) -> Key:
    return one.what, one.object, one.party, one.since


def _key_of(alarm: Alarm) -> Key:
    return alarm.what, alarm.object, alarm.party, alarm.since
