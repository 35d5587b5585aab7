"""`blindlink-broker agency`."""

from __future__ import annotations

from typing import Literal

import click

from app.cli.opening import local_operator, opened_broker
from app.errors import RequestError
from schemas.documents.ids import is_name
from schemas.shared.command_line import emit, json_option, one_line


@click.group("agency", short_help="Enrol and list parties.")
def agency() -> None:
    """Enrol and list parties: agencies, and those who audit or operate."""


@agency.command("add", short_help="Enrol a party under a short name.")
@click.argument("name")
@click.option(
    "--title", type=one_line, metavar="TEXT", help="The party's name for people; NAME if not given."
)
@click.option(
    "--role",
    # The operator's own party was enrolled when the broker was founded, and is the only one.
    type=click.Choice(("agency", "auditor")),
    default="agency",
    show_default=True,
    help="What the party mainly does here.",
)
@click.pass_context
def add(
    ctx: click.Context, name: str, *, title: str | None, role: Literal["agency", "auditor"]
) -> None:
    """Enrol a party under a short NAME: lower-case letters, digits and hyphens.

    Example: blindlink-broker agency add child-welfare --title "County Child Welfare"
    """
    from app.agencies.service import enrol_party

    if not is_name(name):
        raise RequestError(
            "a party's name has 2 to 40 lower-case letters, digits and single hyphens",
            hint="for instance child-welfare",
        )
    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.write() as session:
            enrol_party(
                session,
                broker.log,
                name=name,
                title=title or name,
                role=role,
                actor=operator,
                now=broker.clock(),
            )
    click.echo(f"{name} is enrolled", err=True)


@agency.command("list")
@json_option
@click.pass_context
def list_all(ctx: click.Context) -> None:
    """List the parties.

    Example: blindlink-broker agency list
    """
    from app.agencies.service import list_parties

    with opened_broker(ctx) as broker, broker.database.read() as session:
        rows = [
            {"name": party.name, "title": party.title, "created": party.created}
            for party in list_parties(session)
        ]
    emit(rows, (f"{row['name']}  {row['title']}" for row in rows))
