"""`blindlink secret`: make the shared secret, and compare it without showing it."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.commands.secret_share import accept, secret_file, share, status
from encoding.project.session import Session
from encoding.secret.secret import new_secret, spoken, write_secret
from schemas.shared.command_line import FILE


@click.group("secret", epilog="Example: blindlink secret share, then: blindlink secret accept")
def secret() -> None:
    """Make the secret that only the agencies share, and make sure that all have the same."""


for _command in (share, accept, status):
    secret.add_command(_command)


@secret.command(
    "new",
    short_help="Write a new random secret, which only you may read.",
    epilog="Example: blindlink secret new secret.txt",
)
@click.argument("file", required=False, type=FILE)
@click.pass_obj
def new(session: Session, file: Path | None) -> None:
    """Write a new random secret into FILE (or the file of the settings), which only you may read.

    One agency makes it and carries it to the other by hand, never by e-mail and never through the broker. An
    existing file is never overwritten.
    """
    path = file or secret_file(session)
    made = new_secret()
    write_secret(path, made)
    session.say(f"the secret is in {path}; carry it to the other agency, never through the broker")
    click.echo(spoken(made.key_id))
