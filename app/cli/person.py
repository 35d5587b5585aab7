"""`blindlink-broker person`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import click

from app.cli.invitation_files import invitation_files
from app.cli.opening import local_operator, opened_broker
from app.errors import BrokerError, RequestError
from schemas.shared.command_line import FILE, emit, json_option, one_line
from schemas.signing.identity import Duty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.agencies.models import Person
    from app.broker import Broker
    from app.security.actor import Actor
    from schemas.signing.identity import PublicIdentity

# So many groups nobody finds by chance, and so few are soon written down.
_HEARD_GROUPS: Final = 3
_BLANK: Final = "_____"


@click.group("person", short_help="Invite, confirm and revoke persons with keys of their own.")
def person() -> None:
    """Invite, confirm and revoke the persons who act for a party, each with keys of their own."""


@person.command("invite")
@click.argument("party")
@click.option(
    "--duty",
    "duties",
    multiple=True,
    required=True,
    type=click.Choice(get_args(Duty)),
    help="What the person does for PARTY; give it once for each duty.",
)
@click.option(
    "--label", type=one_line, metavar="TEXT", help="Who it is for; kept for you, never logged."
)
@click.option("--project", help="The project that the person is for; it stands in the file.")
@click.option(
    "--out",
    type=FILE,
    help="Write an invitation file, for your eyes and the person's only, in place of printing the code.",
)
@click.pass_context
def invite(
    ctx: click.Context,
    party: str,
    *,
    duties: tuple[Duty, ...],
    label: str | None,
    project: str | None,
    out: Path | None,
) -> None:
    """Invite one person of PARTY: the code works once, within 7 days.

    Hand the file over by a safe way. The person types `blindlink start FILE` and telephones you; then you
    compare the fingerprint with them, and confirm. Without --out the code alone is printed, for `blindlink
    people enrol`.

    Example: blindlink-broker person invite k12 --duty analyst --project foster-k12 --out bob.invitation
    """
    from app.agencies import persons
    from app.agencies.duties import duties_text
    from app.agreements.negotiation import negotiators_of

    if project is not None and out is None:
        raise click.UsageError("--project stands in an invitation file: name one with --out")
    with (
        opened_broker(ctx) as broker,
        invitation_files(broker) as write,
        broker.database.write() as session,
    ):
        if project is not None and not negotiators_of(session, project):
            raise RequestError(f"there is no project {project}", hint="see: project list")
        invited = persons.invite_person(
            session, party=party, duties=duties, label=label or "", now=broker.clock()
        )
        if out is not None:
            # Before the code counts: where the file is not written, nobody has been invited.
            write(out, invited, project)
    click.echo(invited.code if out is None else out)
    what = duties_text(duties).replace(",", ", ")
    click.echo(f"for one person of {party} as {what}, until {invited.expires}", err=True)


@person.command("list", short_help="List people, and invitations that are still open.")
@click.argument("party", required=False)
@json_option
@click.pass_context
def list_all(ctx: click.Context, party: str | None) -> None:
    """List the persons of PARTY, or of all parties, and the invitations that are still open.

    Example: blindlink-broker person list child-welfare
    """
    with opened_broker(ctx) as broker:
        rows = _rows(broker, party)
    lines = []
    for row in rows:
        named = row["person"] or "(invited)"
        linked = f"; linked with a sign-on since {row['sign_on']}" if row["sign_on"] else ""
        duties = ", ".join(row["duties"])
        lines.append(f"{row['state']:<9} {named:<36} {row['party']}  {duties}{linked}")
        if row["label"]:
            lines.append(f"{'':9} {row['label']}")
    emit(rows, lines)


@person.command("sheet", short_help="Print who has enrolled, to compare by telephone.")
@click.argument("project", required=False)
@json_option
@click.pass_context
def sheet(ctx: click.Context, project: str | None) -> None:
    """Print who has enrolled for PROJECT, or at all, with fingerprints, to compare with each by telephone.

    The last three groups of people who wait are left blank: you write down what you hear, so you can't confirm
    anyone who has read nothing.

    Example: blindlink-broker person sheet foster-k12 > sheet.txt
    """
    from app.agencies import persons
    from app.agreements.negotiation import negotiators_of

    with opened_broker(ctx) as broker, broker.database.read() as session:
        parties = None if project is None else negotiators_of(session, project)
        if parties == []:
            raise RequestError(f"there is no project {project}", hint="see: project list")
        rows = [
            _on_sheet(row, persons.identity_of(row), persons.state_of(row))
            for row in persons.list_persons(session, None)
            if row.revoked is None and (parties is None or row.party in parties)
        ]
    lines = ["Let each person read all twelve groups to you, on a number that you know.", ""]
    lines.extend(line for row in rows for line in _sheet_lines(row))
    emit(rows, lines)


@person.command("confirm", short_help="Let people act, after comparing their fingerprints.")
@click.argument("named", metavar="[PERSON]...", nargs=-1)
@click.option(
    "--fingerprint",
    "fingerprints",
    multiple=True,
    help="The twelve groups as the person read them, once for each PERSON; asked for if not given.",
)
@click.pass_context
def confirm(ctx: click.Context, named: tuple[str, ...], *, fingerprints: tuple[str, ...]) -> None:
    """Let people act, after comparing fingerprints with each: those named, or else all who wait.

    PERSON is an ID, or the name of a party: all of it who wait. Call each person on a number that you know, and
    let them read what `blindlink start` printed. Type what you hear, or press Enter if you can't reach the
    person now. You don't see the fingerprint beforehand, so you can't confirm what no one has read.

    Example: blindlink-broker person confirm
    """
    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        chosen = _to_confirm(broker, named)
        if fingerprints and not len(fingerprints) == len(named) == len(chosen):
            raise click.UsageError("give --fingerprint once for each PERSON, in their order")
        refused = 0
        for at, (person_id, name) in enumerate(chosen):
            heard = fingerprints[at] if fingerprints else _heard(name)
            if not heard:
                continue
            try:
                _confirm(broker, operator, person_id, heard)
            except BrokerError as exc:
                # Anyone who was alone says it as every command does; the others need not wait for one.
                if len(chosen) == 1 and named:
                    raise
                refused += 1
                click.echo(f"{name} is not confirmed: {exc.detail}", err=True)
                continue
            click.echo(f"{name} may act from now on", err=True)
    if refused:
        raise RequestError(
            f"{refused} of them are not confirmed",
            hint="where a fingerprint is another one, someone may stand between you and the person",
        )


@person.command("revoke", short_help="Revoke a person, effective on their next request.")
@click.argument("person_id")
@click.pass_context
def revoke(ctx: click.Context, person_id: str) -> None:
    """Revoke a person and all that they are signed in with, effective on their next request.

    Example: blindlink-broker person revoke per-0123456789abcdef0123456789abcdef
    """
    from app.agencies import persons

    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.write() as session:
            persons.revoke_person(
                session, broker.log, person_id=person_id, actor=operator, now=broker.clock()
            )
    click.echo("the person is revoked", err=True)


@person.command("unlink", short_help="End a person's link with a single sign-on.")
@click.argument("person_id")
@click.pass_context
def unlink(ctx: click.Context, person_id: str) -> None:
    """End the link of a person's keys with a single sign-on, and the page sessions that came by it.

    The person can link it anew, with their keys. To shut the person out, revoke them.

    Example: blindlink-broker person unlink per-0123456789abcdef0123456789abcdef
    """
    from app.agencies import persons

    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.write() as session:
            persons.end_sign_on(session, broker.log, person_id=person_id, actor=operator)
    click.echo("the link is ended; the person's keys are as they were", err=True)


def _to_confirm(broker: Broker, named: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return id and name of the person who is to be confirmed: those named by id or party, else all who
    wait.
    """
    from app.agencies import persons

    names: dict[str, str] = {}
    waiting: dict[str, list[str]] = {}
    parties: set[str] = set()
    with broker.database.read() as session:
        for row in persons.list_persons(session, None):
            names[row.id] = f"{row.label or row.id} of {row.party}"
            parties.add(row.party)
            if persons.state_of(row) == "awaiting":
                waiting.setdefault(row.party, []).append(row.id)
    if not (named or waiting):
        raise RequestError("nobody waits to be confirmed", hint="see: person list")
    for one in named:
        if one in parties - waiting.keys():
            raise RequestError(f"no one of {one} waits to be confirmed", hint="see: person list")
    chosen = [who for one in named or waiting for who in waiting.get(one, [one])]
    return [(one, names.get(one, one)) for one in dict.fromkeys(chosen)]


def _heard(name: str) -> str:
    asked = f"{name}: the twelve groups, as the person reads them (Enter: not now)"
    heard: str = click.prompt(asked, default="", show_default=False, err=True)
    return heard.strip()


def _confirm(broker: Broker, operator: Actor, person_id: str, heard: str) -> None:
    from app.agencies import persons

    with broker.database.write() as session:
        persons.confirm_person(
            session,
            broker.log,
            person_id=person_id,
            fingerprint=heard,
            actor=operator,
            now=broker.clock(),
        )


def _on_sheet(row: Person, identity: PublicIdentity, state: str) -> dict[str, Any]:
    groups = identity.fingerprint().split()
    if state == "awaiting":
        groups[-_HEARD_GROUPS:] = [_BLANK] * _HEARD_GROUPS
    return {
        "person": row.id,
        "party": row.party,
        "label": row.label,
        "duties": list(identity.duties),
        "state": state,
        "fingerprint": " ".join(groups),
    }


def _sheet_lines(row: dict[str, Any]) -> Iterator[str]:
    yield f"[ ] {row['label'] or '(no label)'} of {row['party']}: {', '.join(row['duties'])}"
    yield f"    {row['person']}, {row['state']}"
    groups = row["fingerprint"].split()
    for start in range(0, len(groups), 4):
        yield f"      {'  '.join(groups[start : start + 4])}"
    yield ""


def _rows(broker: Broker, party: str | None) -> list[dict[str, Any]]:
    from app.agencies import persons

    with broker.database.read() as session:
        linked = persons.signed_on_since(session)
        invited = [
            {
                "person": None,
                "party": row.party,
                "state": "invited",
                "duties": row.duties.split(","),
                "label": row.label,
                "until": row.expires,
                "sign_on": None,
            }
            for row in persons.open_invitations(session, party, broker.clock())
        ]
        enrolled = [
            {
                "person": row.id,
                "party": row.party,
                "state": persons.state_of(row),
                "duties": list(persons.identity_of(row).duties),
                "label": row.label,
                "until": row.revoked,
                "sign_on": linked.get(row.id),
            }
            for row in persons.list_persons(session, party)
        ]
    return enrolled + invited
