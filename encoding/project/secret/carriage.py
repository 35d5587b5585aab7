"""What the commands of `blindlink secret` work with: the project, the carrier, own keys and trusted ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoding.epoch.carriers import ByBroker, ByHand, Carrier
from encoding.errors import HoldersError, NotReadyError
from encoding.project.agreement.agreements import agreed_holders, trusted_peers
from encoding.project.agreement.project_view import last_seen, project_view
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.secret.agreement import holders_of
from schemas.documents.ids import PERSON_PREFIX, is_random_id

if TYPE_CHECKING:
    from encoding.epoch.exchange import Exchange
    from encoding.secret.kept_secret import KeptSecret
    from schemas.api.projects import ProjectView
    from schemas.signing.identity import PublicIdentity


@dataclass(frozen=True, slots=True)
class Carriage:
    """The project, and who carries shares between its agencies."""

    session: Session
    view: ProjectView
    carrier: Carrier

    def exchange(self, epoch: int | None, holders: tuple[str, ...] = ()) -> Exchange:
        """Return this agency's part in an epoch's secret; None: the one being agreed on, or the project's."""
        from encoding.epoch.exchange import Exchange  # noqa: PLC0415 - it loads numpy

        session = self.session
        if session.party not in self.view.terms.providers:
            raise NotReadyError(
                f"{session.party} does not encode in this project: it needs no secret"
            )
        chosen_holders = {**agreed_holders(session), **_read_holders(holders)}
        others = self._trusted_others(chosen_holders)
        own = unlock_own(session)
        holder = chosen_holders.get(session.party, own.public.person)
        if holder != own.public.person:
            raise HoldersError(
                f"the agreement lets {holder} hold the secret for {session.party}, and not you",
                hint="let that person do it; or a steward of your party types: blindlink people change --holder"
                f" {own.public.person}",
            )
        chosen = epoch
        if chosen is None:
            known = session.workspace.epochs_with_secret(self.view.project)
            chosen = max((*known, self.view.terms.epoch))
        agreed = holders_of(self.view.project, chosen, [own.public, *others.values()])
        return Exchange(session.workspace, agreed, own, others)

    def accept(self, epoch: int | None, holders: tuple[str, ...] = ()) -> KeptSecret | None:
        """Take what the others sent, make the secret of it, confirm it, and return what is kept then."""
        exchange = self.exchange(epoch, holders)
        fetched = self.carrier.fetch(exchange.holders.epoch)
        with self.session.workspace.lock():
            exchange.receive(fetched)
            exchange.make()
            confirmation = exchange.confirm(self.view.profile, self.session.now())
            kept = exchange.kept()
        self.carrier.send_confirmation(confirmation)
        return kept

    def _trusted_others(self, chosen: Mapping[str, str]) -> dict[str, PublicIdentity]:
        shown = self.carrier.persons()
        with self.session.workspace.lock():
            met = trusted_peers(self.session, shown)
        return {
            party: met.person_of(party, shown, person=chosen.get(party))
            for party in self.view.terms.providers
            if party != self.session.party
        }


@contextlib.contextmanager
def carriage(
    session: Session, to_file: Path | None, from_files: tuple[Path, ...] = ()
) -> Iterator[Carriage]:
    """Give the project and its carrier: files where any is named, else the broker."""
    if to_file is not None or from_files:
        view = last_seen(session).view
        yield Carriage(session, view, ByHand(session.party, to_file, from_files))
        return
    # First, so that the options of this call count for the sign-in too, and the passphrase is asked for once.
    unlock_own(session)
    with session.connect() as client:
        session.trust(client)
        view = project_view(session, client, must_bind=False)
        yield Carriage(session, view, ByBroker(client, view.project, session.party))


def _read_holders(pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        party, _, person = pair.partition("=")
        if not is_random_id(person, PERSON_PREFIX):
            raise click.BadParameter(
                f"give it as PARTY=PERSON, such as schools={PERSON_PREFIX}-0123...",
                param_hint="--holder",
            )
        found[party] = person
    return found
