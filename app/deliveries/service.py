"""Who may see a delivery, and what is handed out of it: logged before it leaves, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import agreement_now, project_for, terms_in_force, visible
from app.agreements.signers import require_duty
from app.broker import Broker
from app.clock import utc_text
from app.db import NEWEST, Window
from app.deliveries import repository
from app.deliveries.models import Delivery
from app.errors import (
    DELIVERY_GONE,
    DELIVERY_NOT_AGREED,
    DELIVERY_NOT_FETCHED,
    DELIVERY_NOT_YOURS,
    OTHER_DELIVERY,
    RefusedError,
)
from app.matchlog.draft import EntryDraft
from app.matchlog.proofs import entry_proof
from app.sealed.objects import Content, SealedFile, open_pieces
from app.security.actor import Actor
from schemas.matchlog.delivery_kinds import DeliveryFetched, DeliveryOpened
from schemas.rounds.delivery import DeliveryOpening, DeliveryView
from schemas.rounds.receipt import Receipt

DELIVERY_KIND: Final = "delivery"


def delivery_for(session: Session, actor: Actor, delivery: str, *, lock: bool = False) -> Delivery:
    """Return a delivery that the actor may see: an agency those from and to it, others of their projects."""
    return visible(session, actor, repository.find_delivery(session, actor, delivery, lock=lock))[0]


def deliveries_for(
    session: Session, actor: Actor, project: str, window: Window = NEWEST
) -> Sequence[Delivery]:
    """Return a piece of the project's deliveries that the actor may see, newest first."""
    project_for(session, actor, project)
    return repository.deliveries_of_project(session, actor, project, window)


def present_deliveries(session: Session, actor: Actor, project: str) -> Sequence[Delivery]:
    """Return the project's deliveries of which something may still be there, that the actor may see."""
    project_for(session, actor, project)
    return repository.present_of_project(session, actor, project)


def view_of(delivery: Delivery) -> DeliveryView:
    """Return a delivery as all who may see it see it."""
    return DeliveryView.from_row(delivery, delivery=delivery.id, ended=delivery.destroyed)


def receipt_for(session: Session, actor: Actor, delivery: str) -> Receipt:
    """Return the proof that the delivery was logged when it came."""
    found = delivery_for(session, actor, delivery)
    return entry_proof(session, found.entry, found.entry_size).to_receipt(found.id)


def open_file(session: Session, broker: Broker, actor: Actor, delivery: str) -> SealedFile:
    """Return the sealed file of a delivery, if the actor's party may fetch it now."""
    found = delivery_for(session, actor, delivery)
    _refuse_fetch(session, broker, actor, found)
    pieces = open_pieces(session, broker, found.id, DELIVERY_KIND)
    return SealedFile(Content(found.sha256, found.size_bytes), pieces)


def log_fetch(session: Session, broker: Broker, actor: Actor, delivery: str) -> None:
    """Record that a delivery is about to be handed out; commit before the first byte leaves."""
    found = delivery_for(session, actor, delivery, lock=True)
    agreement = _refuse_fetch(session, broker, actor, found)
    found.fetched = found.fetched or utc_text(broker.clock())
    body = DeliveryFetched(recipient=found.recipient, sha256=found.sha256)
    broker.log.append(session, [_entry(found, actor, body, agreement)])


def log_opening(
    session: Session, broker: Broker, actor: Actor, delivery: str, stated: DeliveryOpening
) -> Delivery:
    """Record what its recipient found of a delivery that it has fetched; the same once more changes nothing.

    What could not be used may be found usable later, as when keys were missing; never the other way around.
    """
    found = delivery_for(session, actor, delivery, lock=True)
    _refuse_stranger(actor, found)
    if found.destroyed is not None:
        raise _gone()
    if found.fetched is None:
        raise RefusedError(DELIVERY_NOT_FETCHED, "The delivery has not been fetched yet.")
    if stated.sha256 != found.sha256:
        raise RefusedError(
            OTHER_DELIVERY, "This is not the digest of the file that was handed out."
        )
    if found.opened is not None or (found.fault is not None and found.fault == stated.fault):
        return found
    found.fault = stated.fault
    found.opened = utc_text(broker.clock()) if stated.fault is None else None
    body = DeliveryOpened(recipient=found.recipient, sha256=found.sha256, fault=stated.fault)
    bound = agreement_now(session, found.project, broker.clock())
    broker.log.append(session, [_entry(found, actor, body, bound)])
    return found


def not_agreed(sender: str, recipient: str) -> RefusedError:
    """Return the refusal of columns that no agreement in force lets go this way."""
    return RefusedError(
        DELIVERY_NOT_AGREED,
        f"No columns go from {sender} to {recipient} beside link IDs.",
        clause="elements",
    )


def _refuse_fetch(session: Session, broker: Broker, actor: Actor, delivery: Delivery) -> str:
    """Return the digest of the agreement under which the actor may have the delivery now, or raise."""
    _refuse_stranger(actor, delivery)
    now = broker.clock()
    terms = terms_in_force(session, delivery.project, now)
    if delivery.destroyed is not None or delivery.keep_until <= utc_text(now):
        raise _gone()
    if not terms.agreement.delivering(delivery.sender, delivery.recipient):
        raise not_agreed(delivery.sender, delivery.recipient)
    return terms.digest


def _refuse_stranger(actor: Actor, delivery: Delivery) -> None:
    if actor.party != delivery.recipient:
        raise RefusedError(DELIVERY_NOT_YOURS, f"This is for {delivery.recipient}.")
    require_duty(actor, "recipient")


def _gone() -> RefusedError:
    return RefusedError(
        DELIVERY_GONE,
        "A newer delivery has replaced this one, or its agreed storage time is over.",
        hint="ask for the newest one of the round",
    )


def _entry(
    delivery: Delivery, actor: Actor, body: DeliveryFetched | DeliveryOpened, agreement: str | None
) -> EntryDraft:
    is_failed = isinstance(body, DeliveryOpened) and body.fault is not None
    return EntryDraft.about(
        body,
        delivery,
        agreement,
        actor,
        object=delivery.id,
        outcome="failed" if is_failed else "done",
    )
