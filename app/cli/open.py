"""`blindlink-broker open`: parties, a project and invitations for its people, from one file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from app.cli.invitation_files import invitation_files
from app.cli.opening import local_operator, opened_broker
from app.cli.parties_file import TEMPLATE
from app.cli.spokes_file import HUB_TEMPLATE, read_parties
from app.durable import make_private_folder
from schemas.shared.command_line import FILE, emit, json_option

_FOLDER: Final = Path("invitations")


@click.command(
    "open", short_help="Enrol parties, open a project and invite its people, from a file."
)
@click.option("--from", "file", type=FILE, help="TOML file of who takes part; see --template.")
@click.option("--template", is_flag=True, help="Print such a file with comments, and do nothing.")
@click.option(
    "--hub",
    "for_hub",
    is_flag=True,
    help="With --template, a file for a hub and its spokes: one project for each district.",
)
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=_FOLDER,
    show_default=True,
    help="Folder for the invitation files, one for each person who is invited; yours alone.",
)
@json_option
@click.pass_context
def open(
    ctx: click.Context, *, file: Path | None, template: bool, for_hub: bool, folder: Path
) -> None:
    """Enrol the parties of a file, open its project, and write an invitation file for each of its people.

    A file that names a hub lists many spokes: a project is opened for each, with the hub in all of them.
    What is there already stays: add a person to the file and run it again, and only that one is invited. If
    the file contradicts what is there, nothing is done. Hand each file to its person safely.

    Example: blindlink-broker open --from parties.toml
    """
    from app.cli.opened_project import open_from

    if template:
        click.echo(HUB_TEMPLATE if for_hub else TEMPLATE, nl=False)
        return
    if file is None:
        raise click.UsageError("missing option --from, or --template")
    wanted = read_parties(file)
    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        make_private_folder(folder)
        with invitation_files(broker) as write, broker.database.write() as session:
            done = open_from(session, broker, wanted, actor=operator, folder=folder, write=write)
    emit(done.to_json(), done.lines())
    if done.invited:
        click.echo("hand each file to its person safely, and have them call you;", err=True)
        click.echo("then type what they read: blindlink-broker person confirm", err=True)
