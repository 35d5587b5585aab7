"""Whose keys a file is sealed to: the persons of a party whom this agency trusts, and the party lets act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoding.errors import BrokerUnreachableError
from encoding.people.peers import read_peers
from encoding.project.agreement.agreements import trusted_peers
from encoding.project.agreement.rosters import on_their_roster
from encoding.project.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.signing.identity import IdentityHistory, PublicIdentity


def receivers_of(session: Session, party: str, *, offline: bool) -> tuple[PublicIdentity, ...]:
    """Return the trusted persons who can open what is sealed to a party, in the order of their ids.

    Those who have the duty `recipient`, where there is one; else all.
    """
    with session.workspace.lock():
        shown = () if offline else _shown(session, party)
        met = trusted_peers(session, shown)
    trusted = on_their_roster(session, party, met.trusted_of(party, shown))
    chosen = [person for person in trusted if "recipient" in person.duties] or trusted
    return tuple(sorted(chosen, key=lambda person: person.person))


def _shown(session: Session, party: str) -> Sequence[IdentityHistory]:
    """Return the persons whom the broker shows; nobody where it cannot be reached and keys are known here."""
    try:
        with session.connect() as client:
            session.trust(client)
            return client.identities(session.project).identities
    except BrokerUnreachableError as exc:
        if all(peer.history is None for peer in read_peers(session.workspace.peers).of(party)):
            raise
        session.say(f"{exc}; going by the keys of {party} as they were last seen")
        return ()
