"""What `refresh` does for a secret that agencies are agreeing on: it goes on where that stands."""

from __future__ import annotations

from collections.abc import Iterator

from encoding.broker.client import BrokerClient
from encoding.epoch.carriers import ByBroker
from encoding.epoch.exchange import (
    differences,
    refuse_differences,
    refuse_lost,
    unconfirmed,
)
from encoding.errors import AgencyError, OthersWaitedForError, ShareMissingError
from encoding.project.secret.carriage import Carriage
from encoding.project.session import Session
from encoding.secret.kept_secret import kept_of
from schemas.api.projects import ProjectView


def begin_secret(session: Session, client: BrokerClient, view: ProjectView) -> None:
    """Seal this agency's part of the epoch's secret to the others and send it, once; again is safe.

    Nothing is begun where this agency encodes nothing, or has a secret that was carried by hand.
    """
    by_hand = session.config.resolve(session.config.sections.project.secret_file)
    if session.party not in view.terms.providers or by_hand.exists():
        return
    carried = Carriage(session, view, ByBroker(client, view.project, session.party))
    exchange = carried.exchange(view.terms.epoch)
    exchange.refuse_lost(carried.carrier.confirmations(exchange.holders.epoch))
    with session.workspace.lock():
        kept = exchange.share(session.now())
    if not kept.is_made:
        carried.carrier.send_shares(kept.sent)
        session.say("this agency's part of the secret is at the broker, which cannot open it")


def settle_secrets(session: Session, client: BrokerClient, view: ProjectView) -> None:
    """Accept what has come of the secrets that were begun here, until all have confirmed them and encode alike.

    Where an epoch has begun that nobody rotated to, since the secret is in other hands, its secret is begun.
    What is missing or wrong for a later epoch stops nothing.
    """
    carrier = ByBroker(client, view.project, session.party)
    carried = Carriage(session, view, carrier)
    _refuse_lost(session, view, carrier)
    if _is_left_behind(session, view):
        begin_secret(session, client, view)
    for epoch in _open_epochs(session, view):
        try:
            kept = carried.accept(epoch)
            if kept is not None:
                refuse_differences(differences(kept, session.party))
        except ShareMissingError as exc:
            if epoch == view.terms.epoch:
                raise OthersWaitedForError(str(exc), hint=exc.hint) from None
            session.say(f"the secret of epoch {epoch} is not made yet: {exc}")
            continue
        except AgencyError as exc:
            if epoch == view.terms.epoch:
                raise
            session.warn(f"the secret of epoch {epoch} is not agreed on yet: {exc}")
            continue
        if kept is not None:
            waits = (
                "all have confirmed it" if not unconfirmed(kept) else "not all have confirmed it"
            )
            session.say(f"the secret of epoch {epoch} is made; {waits}")


def _refuse_lost(session: Session, view: ProjectView, carrier: ByBroker) -> None:
    epoch, holders = view.terms.epoch, view.terms.providers
    if session.party in holders and epoch not in session.workspace.epochs_with_secret(view.project):
        refuse_lost(
            session.workspace, carrier.confirmations(epoch), view.project, holders, session.party
        )


def _is_left_behind(session: Session, view: ProjectView) -> bool:
    """Tell whether the newest secret here is of an epoch that is over."""
    newest = max(session.workspace.epochs_with_secret(view.project), default=None)
    return newest is not None and newest < view.terms.epoch


def _open_epochs(session: Session, view: ProjectView) -> Iterator[int]:
    for epoch in session.workspace.epochs_with_secret(view.project):
        if epoch < view.terms.epoch:
            continue
        kept = kept_of(session.workspace, view.project, epoch)
        if kept is not None and (unconfirmed(kept) or differences(kept, session.party)):
            yield epoch
