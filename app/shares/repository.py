"""All queries of shares and confirmations. A share itself is read by its recipient alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.security.actor import Actor
from app.shares.models import Confirmation, RelayedShare


def shares_of_epoch(session: Session, project: str, epoch: int) -> Sequence[RelayedShare]:
    """Return an epoch's shares by sender, then recipient; the caller is one of the project's holders."""
    query = select(RelayedShare).where(RelayedShare.project == project, RelayedShare.epoch == epoch)
    return session.scalars(query.order_by(RelayedShare.sender, RelayedShare.recipient)).all()


def find_sent(
    session: Session, actor: Actor, project: str, epoch: int, recipient: str
) -> RelayedShare | None:
    """Return what the actor's party has sent to a recipient, its row locked, or None."""
    query = select(RelayedShare).where(
        RelayedShare.project == project,
        RelayedShare.epoch == epoch,
        RelayedShare.sender == actor.party,
        RelayedShare.recipient == recipient,
    )
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def find_received(session: Session, actor: Actor, share: str) -> RelayedShare | None:
    """Return a share that was sent to the actor's party, its row locked, or None."""
    query = select(RelayedShare).where(
        RelayedShare.id == share, RelayedShare.recipient == actor.party
    )
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def forget_share(session: Session, share: RelayedShare) -> None:
    """Remove one share."""
    session.delete(share)
    session.flush()


def forget_sent(session: Session, actor: Actor, project: str, epoch: int) -> bool:
    """Remove what the actor's party has sent and confirmed of an epoch; tell whether there was anything."""
    sent = delete(RelayedShare).where(
        RelayedShare.project == project,
        RelayedShare.epoch == epoch,
        RelayedShare.sender == actor.party,
    )
    confirmed = delete(Confirmation).where(
        Confirmation.project == project,
        Confirmation.epoch == epoch,
        Confirmation.party == actor.party,
    )
    forgotten = [
        *session.scalars(sent.returning(RelayedShare.id)),
        *session.scalars(confirmed.returning(Confirmation.party)),
    ]
    return bool(forgotten)


def forget_served(session: Session, actor: Actor, project: str, epoch: int) -> None:
    """Remove the content of all shares that were sent to the actor's party in an epoch."""
    session.execute(
        update(RelayedShare)
        .where(
            RelayedShare.project == project,
            RelayedShare.epoch == epoch,
            RelayedShare.recipient == actor.party,
        )
        .values(document=None)
    )


def count_waiting(session: Session, project: str) -> int:
    """Return how many shares of a project still have their content, for the broker itself."""
    query = select(func.count()).where(
        RelayedShare.project == project, RelayedShare.document.is_not(None)
    )
    return session.scalar(query) or 0


def confirmations_of_epoch(session: Session, project: str, epoch: int) -> Sequence[Confirmation]:
    """Return what an epoch's holders have confirmed, by party; the caller is one of them."""
    query = select(Confirmation).where(Confirmation.project == project, Confirmation.epoch == epoch)
    return session.scalars(query.order_by(Confirmation.party)).all()


def find_confirmation(
    session: Session, actor: Actor, project: str, epoch: int
) -> Confirmation | None:
    """Return what the actor's party has confirmed, its row locked, or None."""
    return session.get(
        Confirmation, (project, epoch, actor.party), with_for_update=True, populate_existing=True
    )
