"""All queries of deliveries. A read for a caller starts from what the caller may see."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from app.db import Window, look_through, scalars_of_project
from app.deliveries.models import Delivery
from app.sealed.objects import present_objects
from app.security.actor import Actor


def _seen_by(actor: Actor) -> Select[Delivery]:
    """Return the deliveries that an actor may see as far as its party decides; its projects come on top."""
    query = select(Delivery)
    if actor.role != "agency":
        return query
    return query.where(or_(Delivery.sender == actor.party, Delivery.recipient == actor.party))


def find_delivery(
    session: Session, actor: Actor, delivery: str, *, lock: bool = False
) -> Delivery | None:
    """Return a delivery that the actor may see, or None; `lock` locks its row until the transaction ends."""
    query = _seen_by(actor).where(Delivery.id == delivery)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)


def deliveries_of_project(
    session: Session, actor: Actor, project: str, window: Window
) -> Sequence[Delivery]:
    """Return a piece of the project's deliveries that the actor may see, newest first."""
    query = _seen_by(actor).where(Delivery.project == project)
    return look_through(session, query, Delivery.entry, Delivery.id, window)


def current_of(session: Session, project: str, sender: str, recipient: str) -> Sequence[Delivery]:
    """Return, locked, the deliveries of a sender to a recipient that no later one has taken the place of."""
    query = select(Delivery).where(
        Delivery.project == project,
        Delivery.sender == sender,
        Delivery.recipient == recipient,
        Delivery.replaced.is_(None),
    )
    query = query.order_by(Delivery.entry).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def newest_of(
    session: Session, project: str, number: int, sender: str, recipient: str
) -> Delivery | None:
    """Return the newest delivery of a sender to a recipient in a round, or None."""
    query = select(Delivery).where(
        Delivery.project == project,
        Delivery.round == number,
        Delivery.sender == sender,
        Delivery.recipient == recipient,
    )
    return session.scalar(query.order_by(Delivery.number.desc()).limit(1))


def live_of_project(session: Session, project: str, party: str | None = None) -> Sequence[Delivery]:
    """Return, locked, the project's deliveries that are not destroyed: all, or those from and to a party."""
    query = select(Delivery).where(Delivery.project == project, Delivery.destroyed.is_(None))
    if party is not None:
        query = query.where(or_(Delivery.sender == party, Delivery.recipient == party))
    query = query.order_by(Delivery.id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def present_of_project(session: Session, actor: Actor, project: str) -> Sequence[Delivery]:
    """Return those of the project's deliveries that the actor may see and of which something may be left."""
    key = ("present_delivery", actor.role, actor.party)
    return scalars_of_project(
        session,
        project,
        Delivery.project,
        lambda: _seen_by(actor).where(Delivery.id.in_(present_objects())).order_by(Delivery.id),
        key,
    )
