"""`blindlink people list|change`: who takes part, and who acts for the party, changed by its steward alone."""

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
    pass


@click.command(
    "list",
    short_help="List who takes part, with duties and fingerprints.",
    epilog="Example: blindlink people list > people.txt",
)
@json_option
@click.pass_obj
def list_all(session: Session) -> None:
    """List the people of the project: whom the operator has confirmed, and who acts for each party.

    Print the list on paper, call each person on a number that you know, and tick those whose twelve groups
    match. Then draft or sign the agreement, or keep a fingerprint with: blindlink people trust
    """
    with seat(session) as at:
        shown = [history.newest() for history in at.client.identities(at.project).identities]
        kept, peers = at.refresh().last_complete(), at.peers()
    parties = () if kept is None else kept.agreement.parties
    acting = {person.person: person for party in parties for person in party.persons}
    # The newest keys are those to compare.
    everyone = acting | {person.person: person for person in shown}
    document = [
        {
            **identity_row(person),
            "listed": person.person in acting,
            "compared": person.person == at.own.public.person or is_known(person, peers),
        }
        for person in sorted(everyone.values(), key=lambda one: (one.party, one.person))
    ]
    emit({"project": at.project, "persons": document}, _lines(document, is_agreed=bool(parties)))


@click.command(
    "change",
    epilog="Example: blindlink people change --add PERSON --remove PERSON",
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


def _lines(document: Sequence[dict[str, Any]], *, is_agreed: bool) -> Iterator[str]:
    party = None
    for one in document:
        if one["party"] != party:
            party = one["party"]
            yield f"{party}:"
        place = "" if one["listed"] or not is_agreed else "; not on the list of authorized users"
        tick = "[x] compared here" if one["compared"] else "[ ] nobody has compared it here"
        yield f"  {one['person']} ({', '.join(one['duties'])}){place}"
        yield f"    {one['fingerprint']}"
        yield f"    {tick}"
