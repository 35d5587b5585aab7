"""`blindlink-broker person`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from app.cli.invitation_files import invitation_files
from app.cli.opening import local_operator, opened_broker
from app.errors import RequestError
from schemas.identity import Duty
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from app.broker import Broker


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
@click.option("--label", default="", help="Who it is for; kept for you, never logged.")
@click.option("--project", help="The project that the person is for; it stands in the file.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write an invitation file, for your eyes and the person's only, in place of printing the code.",
)
@click.pass_context
def invite(
    ctx: click.Context,
    party: str,
    *,
    duties: tuple[Duty, ...],
    label: str,
    project: str | None,
    out: Path | None,
) -> None:
    """Invite one person of PARTY: the code works once, within 7 days.

    Hand the file over by a safe way. The person types `blindlink start FILE` and telephones you; then you
    compare the fingerprint with them, and confirm. Without --out the code alone is printed, for `blindlink
    identity enrol`.

    Example: blindlink-broker person invite k12 --duty analyst --project foster-k12 --out bob.invitation
    """
    from app.agencies import persons
    from app.agencies.duties import duties_text
    from app.agreements.negotiation import negotiators_of

    if project is not None and out is None:
        raise click.UsageError("--project stands in an invitation file: name one with --out")
    with (
        opened_broker(ctx) as broker,
        invitation_files(broker.settings, project) as write,
        broker.database.write() as session,
    ):
        if project is not None and not negotiators_of(session, project):
            raise RequestError(f"there is no project {project}", hint="see: project list")
        invited = persons.invite_person(
            session, party=party, duties=duties, label=label, now=broker.clock()
        )
        if out is not None:
            # Before the code counts: where the file is not written, nobody has been invited.
            write(out, invited)
    click.echo(invited.code if out is None else out)
    what = duties_text(duties).replace(",", ", ")
    click.echo(f"for one person of {party} as {what}, until {invited.expires}", err=True)


@person.command("list")
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
        lines.append(f"{row['state']:<9} {named:<36} {row['party']}  {', '.join(row['duties'])}")
        if row["label"]:
            lines.append(f"{'':9} {row['label']}")
    emit(rows, lines)


@person.command("confirm")
@click.argument("person_id")
@click.option(
    "--fingerprint", help="The twelve groups as the person read them; asked for if not given."
)
@click.pass_context
def confirm(ctx: click.Context, person_id: str, *, fingerprint: str | None) -> None:
    """Let a person act, after comparing the fingerprint of their keys with them.

    Telephone the person on a number that you know, and let them read what `blindlink identity show` prints.
    Type what you hear: it is not shown beforehand, so that nobody confirms what nobody has read.

    Example: blindlink-broker person confirm per-0123456789abcdef0123456789abcdef
    """
    from app.agencies import persons

    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        heard = fingerprint or click.prompt("The twelve groups, as the person reads them", err=True)
        with broker.database.write() as session:
            persons.confirm_person(
                session,
                broker.log,
                person_id=person_id,
                fingerprint=heard,
                actor=operator,
                now=broker.clock(),
            )
    click.echo("the person may act from now on", err=True)


@person.command("revoke")
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


def _rows(broker: Broker, party: str | None) -> list[dict[str, Any]]:
    from app.agencies import persons

    with broker.database.read() as session:
        invited = [
            {
                "person": None,
                "party": row.party,
                "state": "invited",
                "duties": row.duties.split(","),
                "label": row.label,
                "until": row.expires,
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
            }
            for row in persons.list_persons(session, party)
        ]
    return enrolled + invited
