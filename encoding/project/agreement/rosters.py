"""Whom of the persons that this agency trusts their own party lets act: now, or when they signed something."""

from __future__ import annotations

from collections.abc import Sequence

from encoding.errors import BrokerUnreachableError, UntrustedKeyError
from encoding.people.peers import read_peers
from encoding.project.agreement.agreements import agreements_kept, trusted_peers
from encoding.project.context import Context
from encoding.project.session import Session
from encoding.rounds.history import RoundHistory
from schemas.agreement.agreement import Agreement
from schemas.agreement.roster import on_roster
from schemas.matchlog.agreement_kinds import AgreementInForce
from schemas.matchlog.entry import Entry
from schemas.signing.identity import IdentityHistory, PublicIdentity


def on_their_roster(
    session: Session, party: str, trusted: Sequence[PublicIdentity]
) -> Sequence[PublicIdentity]:
    """Return those of a party's trusted persons whom its list of authorized users names, to whom something is
    sealed now.
    """
    signed = _signed(session)
    listed = _listed(signed, session.now().date().isoformat(), party, trusted)
    if trusted and signed and not listed:
        raise UntrustedKeyError(
            f"you trust nobody whom the agreement lists for {party}",
            hint=f"have {party} read one to you, then: blindlink people trust {party} FINGERPRINT",
        )
    return listed if signed else trusted


def signers_then(
    context: Context, party: str, history: RoundHistory, logged: Entry
) -> dict[str, PublicIdentity]:
    """Return who of a party could sign something when the log took it, by id, with the keys that they had then.

    So what someone sent before they left, or replaced keys, counts on.
    """
    session = context.session
    then = [
        one
        for one in persons_then(context, party, history, logged)
        if {"analyst", "recipient"} & {*one.duties}
    ]
    listed = _on_their_roster_then(session, party, then, history.entries, logged)
    return {one.person: one for one in listed}


def persons_then(
    context: Context, party: str, history: RoundHistory, logged: Entry
) -> list[PublicIdentity]:
    """Return a party's trusted persons who could act when something was logged, with the keys of then."""
    shown = context.client.identities(context.session.project, former=True).identities
    trusted = trusted_peers(context.session, shown).trusted_among(shown)
    enrolled = (one.enrolled.identity for one in trusted)
    return [
        history.keys_at(logged, one)
        for one in enrolled
        if one.party == party and not history.was_revoked(logged, one.person)
    ]


def _on_their_roster_then(
    session: Session,
    party: str,
    trusted: Sequence[PublicIdentity],
    entries: Sequence[Entry],
    logged: Entry,
) -> Sequence[PublicIdentity]:
    """Return those of a party's trusted persons whom its list of authorized users names, or did when something
    was logged.

    So what someone signed before they left counts on. The order of the log decides, since who has left can
    date a signature back.
    """
    signed = _signed(session)
    begun = {
        one.agreement
        for one in entries
        if isinstance(one.body, AgreementInForce) and one.seq < logged.seq
    }
    then = [one for one in signed if one.digest() in begun]
    today = session.now().date().isoformat()
    return [
        *_listed(signed, today, party, trusted),
        *_listed(then, logged.time[:10], party, trusted),
    ]


def _signed(session: Session) -> list[Agreement]:
    """Return the agreements that all have signed, the newest first."""
    return [*reversed(agreements_kept(session).signed().values())]


def _listed(
    signed: Sequence[Agreement], day: str, party: str, trusted: Sequence[PublicIdentity]
) -> list[PublicIdentity]:
    bound = next((one for one in signed if one.start <= day), None)
    return [one for one in trusted if on_roster(signed, bound, party, one.person) is not None]


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
