"""`blindlink roster`: who acts for the party, changed by its steward alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from encoding.agreement.roster import change_roster
from encoding.agreement.verification import is_known, require_next
from encoding.cli.commands.agreement_signatures import hand_in
from encoding.cli.terminal.shown_keys import compared_person
from encoding.project.agreement.seats import seat
from encoding.project.own_keys import identity_row
from encoding.project.session import Session
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from encoding.agreement.kept_agreements import KeptAgreement
    from schemas.signing.identity import IdentityHistory, PublicIdentity


@click.group("roster", epilog="Example: blindlink roster show")
def roster() -> None:
    """Show and change who acts for your party: the people whom the agreement lists for it."""


@roster.command(
    "show",
    short_help="Show who acts for each party, with duties and fingerprints.",
    epilog="Example: blindlink roster show --json",
)
@json_option
@click.pass_obj
def show(session: Session, /) -> None:
    """Show who acts for each party, with duties and fingerprints, and which of your people have keys but no
    place yet."""
    with seat(session) as at:
        kept = at.in_force()
        shown = at.client.identities(at.project).identities
        peers = at.peers()
    listed = [(person, True) for party in kept.agreement.parties for person in party.persons]
    others = [(person, False) for person in _unlisted(kept, shown, at.party)]
    document = [
        {
            **identity_row(person),
            "listed": is_listed,
            "compared": person.party == at.party or is_known(person, peers),
        }
        for person, is_listed in (*listed, *others)
    ]
    emit({"project": at.project, "persons": document}, _lines(document))


@roster.command(
    "change",
    epilog="Example: blindlink roster change --add PERSON --remove PERSON",
)
@click.option(
    "--add",
    "joining",
    multiple=True,
    metavar="PERSON",
    help="A person who acts for your party from now on.",
)
@click.option(
    "--fingerprint",
    "fingerprints",
    multiple=True,
    help="The fingerprint that they read to you, one for each --add, in the same order; else you are asked.",
)
@click.option(
    "--remove",
    "leaving",
    multiple=True,
    metavar="PERSON",
    help="A person who no longer acts for your party.",
)
@click.option(
    "--holder", metavar="PERSON", help="The person who will hold the secret for your party."
)
@click.pass_obj
def change(
    session: Session,
    /,
    *,
    joining: tuple[str, ...],
    fingerprints: tuple[str, ...],
    leaving: tuple[str, ...],
    holder: str | None,
) -> None:
    """Add people who act for your party, or remove them. You sign it alone, as a steward.

    It is in force at once, or with the next version if all have signed one that begins later. The other
    parties are told, and can halt the linkage. If another person then holds the secret, the agencies' next
    `refresh` makes a new one; link IDs stay. Ask the operator to revoke the keys of anyone who leaves.
    """
    if not (joining or leaving or holder):
        raise click.UsageError("say who joins or leaves: --add PERSON, --remove PERSON")
    if fingerprints and len(fingerprints) != len(joining):
        raise click.UsageError("give one --fingerprint for each --add, in their order")
    with seat(session) as at:
        before = at.last_signed()
        shown = at.client.identities(at.project).identities
        read = fingerprints or (None,) * len(joining)
        joined = [compared_person(shown, at.party, *one) for one in zip(joining, read, strict=True)]
        offered = change_roster(before, at.party, joining=joined, leaving=leaving, holder=holder)
        require_next(at.refresh(), offered.agreement)
        consent = at.signer(offered.agreement).consent(None, session.now())
        kept = hand_in(at, offered, consent, is_new=True)
    has_begun = kept.has_begun(session.now().date())
    since = "from now on" if has_begun else f"from {kept.agreement.start} on"
    session.say(f"agreement {kept.agreement.number} holds {since}; the other parties are told")
    if kept.agreement.epoch != before.agreement.epoch:
        session.say(
            "someone else holds the secret now, so the agencies' next refresh makes a new one"
        )
    for person in leaving:
        session.say(f"the operator ends the keys: blindlink-broker person revoke {person}")


def _unlisted(
    kept: KeptAgreement, shown: Sequence[IdentityHistory], party: str
) -> Iterator[PublicIdentity]:
    """Yield the persons of a party whose keys are confirmed, and whom the agreement does not list."""
    for history in shown:
        person = history.newest()
        if person.party == party and kept.agreement.person(person.person) is None:
            yield person


def _lines(document: Sequence[dict[str, Any]]) -> Iterator[str]:
    party = None
    for one in document:
        if one["party"] != party:
            party = one["party"]
            yield f"{party}:"
        place = "" if one["listed"] else "; not on the roster"
        compared = "" if one["compared"] else "; nobody has compared it here"
        yield f"  {one['person']} ({', '.join(one['duties'])}){place}"
        yield f"    {one['fingerprint']}{compared}"
