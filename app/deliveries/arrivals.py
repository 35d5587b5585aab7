"""Takes a delivery: only where columns may go this way now, under a key of its own, and logged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, lock_rounds, terms_in_force
from app.agreements.signers import require_duty
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.deliveries import repository
from app.deliveries.models import Delivery
from app.deliveries.service import DELIVERY_KIND, not_agreed
from app.errors import (
    DELIVERY_EMPTY,
    DELIVERY_NOT_DUE,
    DELIVERY_NUMBER,
    DELIVERY_TOO_LARGE,
    RefusedError,
)
from app.ids import new_id
from app.matchlog.draft import EntryDraft
from app.rounds.service import newest_linked, round_for
from app.sealed.arrival import Arrival
from app.security.actor import Actor
from schemas.documents.ids import DELIVERY_PREFIX
from schemas.matchlog.delivery_kinds import DeliveryReceived
from schemas.rounds.delivery import MAX_DELIVERIES, most_bytes


@dataclass(frozen=True, slots=True)
class Address:
    """Where a delivery belongs: the round, for whom it is, and how many of the round there were with it."""

    project: str
    round: int
    recipient: str
    number: int


class Incoming(Arrival):
    """A delivery as it comes, of at most so many bytes, and not of none."""

    def __init__(self, broker: Broker, most: int) -> None:
        super().__init__(broker, new_id(DELIVERY_PREFIX), DELIVERY_KIND)
        self._most = most

    def add(self, content: bytes) -> None:
        """Take the next bytes."""
        if self.size_bytes + len(content) > self._most:
            raise RefusedError(
                DELIVERY_TOO_LARGE,
                f"A delivery of this party has at most {self._most} bytes.",
                clause="files",
            )
        super().add(content)

    def finish(self) -> None:
        """Store what is left; raises delivery-empty where nothing has come."""
        if not self.size_bytes:
            raise RefusedError(DELIVERY_EMPTY, "A delivery has at least one byte.")
        super().finish()


def most_of(session: Session, broker: Broker, actor: Actor, address: Address) -> int:
    """Return how many bytes a delivery of the actor's party may have, if it may send one here now."""
    terms = _refuse_undue(session, broker, actor, address)
    newest = _newest(session, actor, address)
    if address.number not in _numbers(newest):
        raise _out_of_number()
    pairs = terms.agreement.delivering(actor.party, address.recipient)
    return most_bytes(terms.terms.file_size(actor.party).most, len(pairs))


def keep_delivery(
    session: Session, broker: Broker, actor: Actor, address: Address, incoming: Incoming
) -> Delivery:
    """Let a delivery be seen by its recipient, in the place of earlier ones, and log that it came.

    The same bytes under the same number change nothing: no row names then what was stored for them.
    """
    lock_rounds(session, address.project)
    terms = _refuse_undue(session, broker, actor, address)
    newest = _newest(session, actor, address)
    if newest is not None and newest.number == address.number:
        if newest.sha256 == incoming.sha256:
            return newest
        raise _out_of_number()
    if address.number not in _numbers(newest):
        raise _out_of_number()
    now = broker.clock()
    for earlier in repository.current_of(session, address.project, actor.party, address.recipient):
        # Its key goes with the next sweep, unless an order forbids to destroy anything.
        earlier.replaced = earlier.keep_until = utc_text(now)
    incoming.sealed.keep(session)
    keep_until = utc_text(now + timedelta(days=terms.terms.keep_links_days))
    row = Delivery(
        id=incoming.sealed.id,
        project=address.project,
        round=address.round,
        sender=actor.party,
        recipient=address.recipient,
        number=address.number,
        agreement=terms.digest,
        purpose=terms.terms.purpose,
        sha256=incoming.sha256,
        size_bytes=incoming.size_bytes,
        received=utc_text(now),
        keep_until=keep_until,
    )
    (appended,) = broker.log.append(session, [_entry(actor, row)])
    row.entry, row.entry_size = appended.seq, appended.size
    insert_rows(session, row)
    return row


def _refuse_undue(session: Session, broker: Broker, actor: Actor, address: Address) -> TermsInForce:
    round_for(session, actor, address.project, address.round)
    terms = terms_in_force(session, address.project, broker.clock())
    require_duty(actor, "recipient", "analyst")
    pairs = terms.agreement.delivering(actor.party, address.recipient)
    if not pairs:
        raise not_agreed(actor.party, address.recipient)
    if newest_linked(session, address.project, pairs) != address.round:
        raise RefusedError(
            DELIVERY_NOT_DUE,
            "The delivery is not for the newest round that was closed with matches for its recipient.",
        )
    return terms


def _newest(session: Session, actor: Actor, address: Address) -> Delivery | None:
    return repository.newest_of(
        session, address.project, address.round, actor.party, address.recipient
    )


def _numbers(newest: Delivery | None) -> range:
    """Return the number that was sent last and may be sent again, and the next one, where there may be one."""
    if newest is None:
        return range(1, 2)
    return range(newest.number, min(newest.number + 1, MAX_DELIVERIES) + 1)


def _out_of_number() -> RefusedError:
    return RefusedError(
        DELIVERY_NUMBER,
        f"Deliveries of a round are numbered from 1 to {MAX_DELIVERIES}, each sent once.",
    )


def _entry(actor: Actor, row: Delivery) -> EntryDraft:
    body = DeliveryReceived.from_row(row)
    return EntryDraft.about(body, row, row.agreement, actor, object=row.id)
