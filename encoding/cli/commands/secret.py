"""`blindlink secret`: make the shared secret, and compare it without showing it."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.commands.secret_share import accept, rotate, share, status
from encoding.project.session import Session
from encoding.secret.kept_secret import kept_of
from encoding.secret.secret import new_secret, read_secret, spoken, write_secret
from schemas.shared.command_line import FILE


@click.group("secret", epilog="Example: blindlink secret share, then: blindlink secret accept")
def secret() -> None:
    """Make the secret that only the agencies share, and make sure that all have the same."""


for _command in (share, accept, status, rotate):
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
    path = file or _settings_path(session)
    made = new_secret()
    write_secret(path, made)
    session.say(f"the secret is in {path}; carry it to the other agency, never through the broker")
    click.echo(spoken(made.key_id))


@secret.command(
    "key-id",
    short_help="Print the key id of the secret; it must be the same at every agency.",
    epilog="Example: blindlink secret key-id",
)
@click.argument("file", required=False, type=FILE)
@click.pass_obj
def key_id(session: Session, file: Path | None) -> None:
    """Print the key id of the secret. If it differs between two agencies, they have different secrets.

    It is the key id of FILE, or else of the newest secret that was agreed on, or else of the file in the
    settings. You can read it out on the telephone; nobody can find the secret from it.
    """
    agreed = _agreed(session) if file is None else None
    click.echo(spoken(agreed or read_secret(file or _settings_path(session)).key_id))


def _agreed(session: Session) -> str | None:
    """Return the key id of the newest secret that was agreed on here; None if there is none."""
    workspace, project = session.workspace, session.project
    for epoch in sorted(workspace.epochs_with_secret(project), reverse=True):
        kept = kept_of(workspace, project, epoch)
        marks = None if kept is None else kept.marks()
        if marks is not None:
            return marks.key_id
    return None


def _settings_path(session: Session) -> Path:
    return session.config.resolve(session.config.sections.project.secret_file)
