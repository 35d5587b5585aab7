"""Tells what is overdue by mail and webhook: once when it becomes so, then once a day until it is done.

A message is claimed first, then sent, then noted as told. Killed between the second step and the third, the
broker sends it once more when the claim has run out: a message may come twice, but none is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol

import structlog

from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.deadlines import repository
from app.deadlines.mail import MailOutlet
from app.deadlines.models import Alarm, AlarmMessage
from app.deadlines.service import Late
from app.deadlines.webhook import WebhookOutlet
from app.errors import ConfigurationError, NotSentError
from schemas.reports.overdue import Overdue

AGAIN: Final = timedelta(days=1)
# Longer than it takes to send one message, so that no other worker sends the same one meanwhile.
CLAIM: Final = timedelta(minutes=5)
FIRST_RETRY: Final = timedelta(minutes=1)
LONGEST_RETRY: Final = timedelta(hours=1)
_MOST_DOUBLINGS: Final = 6

log = structlog.get_logger()


class Outlet(Protocol):
    """One way by which messages leave; its name stands in the database and in logs, and holds no address.

    It tells what `party` has in hand; None: all.
    """

    @property
    def name(self) -> str:
        """Under which the database knows it."""
        ...

    @property
    def party(self) -> str | None:
        """Of whom it tells."""
        ...

    def send(self, lates: Sequence[Late]) -> None:
        """Send one message about all of these; raises NotSentError or ConfigurationError."""
        ...


def outlets_of(broker: Broker) -> list[Outlet]:
    """Return the ways that the settings open."""
    settings = broker.settings
    found: list[Outlet] = []
    if settings.mail_server is not None:
        found += [MailOutlet(broker, party) for party in sorted(settings.mail_to)]
    if settings.webhook_url is not None:
        found.append(WebhookOutlet(broker))
    return found


def tell_overdue(broker: Broker) -> int:
    """Tell by every way what it has to tell by now; returns how many messages have left."""
    return sum(_tell(broker, outlet) for outlet in outlets_of(broker))


def _tell(broker: Broker, outlet: Outlet) -> bool:
    with broker.database.read() as session:
        now = broker.machine_clock()
        times = utc_text(now), utc_text(now + AGAIN)
        wanted = [one.id for one in repository.untold(session, outlet.name, outlet.party, *times)]
    claimed = _claim(broker, outlet, wanted) if wanted else []
    if not claimed:
        return False
    try:
        outlet.send([_late(alarm) for alarm in claimed])
    except (NotSentError, ConfigurationError) as exc:
        log.warning("message_not_sent", where=outlet.name, code=exc.code, n_overdue=len(claimed))
        _note(broker, outlet, claimed, is_told=False)
        return False
    _note(broker, outlet, claimed, is_told=True)
    log.info("message_sent", where=outlet.name, n_overdue=len(claimed))
    return True


def _claim(broker: Broker, outlet: Outlet, wanted: Sequence[str]) -> list[Alarm]:
    """Return which of these alarms nobody else tells meanwhile, and keep others from it for a while."""
    claimed = []
    with broker.database.write() as session:
        now = broker.machine_clock()
        until = utc_text(now + CLAIM)
        for alarm in repository.lock_alarms(session, wanted):
            message = repository.find_message(session, alarm.id, outlet.name)
            if message is None:
                row = AlarmMessage(alarm=alarm.id, outlet=outlet.name, next_try=until)
                insert_rows(session, row)
            elif utc_text(now) < message.next_try <= utc_text(now + AGAIN):
                continue
            else:
                message.next_try = until
            claimed.append(alarm)
    return claimed


def _note(broker: Broker, outlet: Outlet, claimed: Sequence[Alarm], *, is_told: bool) -> None:
    with broker.database.write() as session:
        now = broker.machine_clock()
        messages = repository.messages_of(session, [alarm.id for alarm in claimed], outlet.name)
        for message in messages:
            if is_told:
                message.first_told = message.first_told or utc_text(now)
                message.last_told, message.failures = utc_text(now), 0
                message.next_try = utc_text(now + AGAIN)
            else:
                doublings = min(message.failures, _MOST_DOUBLINGS)
                pause = min(FIRST_RETRY * 2**doublings, LONGEST_RETRY)
                message.failures += 1
                message.next_try = utc_text(now + pause)


def _late(alarm: Alarm) -> Late:
    """Return what an alarm says."""
    stated = {name: getattr(alarm, name) for name in Overdue.model_fields}
    return Late(alarm.project, Overdue.model_validate(stated))
