"""`blindlink-broker`: the operator's commands. Each is imported only when it is called for."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import click

from app.cli.loading import loading
from app.errors import BrokerError, place_of
from app.memory import guard_memory
from schemas.errors import FormatError
from schemas.printable import printable

# Name -> (where the command is, what `--help` says of it). Nothing heavy is imported to list them.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "init": ("app.cli.init:init", "Found a broker in the state folder."),
    "serve": ("app.cli.serve:serve", "Serve the HTTPS API."),
    "work": ("app.cli.work:work", "Do the runs that are asked for."),
    "migrate": ("app.cli.migrate:migrate", "Bring the database to the newest schema."),
    "agency": ("app.cli.agency:agency", "Enrol and list parties."),
    "person": ("app.cli.person:person", "Invite, confirm and revoke persons with keys."),
    "page-link": ("app.cli.page_link:page_link", "Print a link that signs you in to the pages."),
    "project": ("app.cli.project:project", "Open, list and show projects."),
    "destroy": ("app.cli.destruction:destroy", "Destroy a project or upload, with a certificate."),
    "certificate": (
        "app.cli.destruction:certificate",
        "List and show certificates of destruction.",
    ),
    "hold": ("app.cli.destruction:hold", "Set and lift legal holds."),
    "key-ring": ("app.cli.key_ring:key_ring", "Replace the key that wraps all others."),
    "log-key": ("app.cli.log_key:log_key", "Show and replace the key that signs the match log."),
    "backup": ("app.cli.backup:backup", "Write a backup of database and blobs."),
    "backup-keys": ("app.cli.backup:backup_keys", "Write a short-lived backup of the keys."),
    "restore": ("app.cli.backup:restore", "Restore a backup of database and blobs."),
    "doctor": ("app.cli.doctor:doctor", "Check settings, stores, log and kernel."),
    "match": ("app.cli.match:match", "Compare files of plain CLKs offline."),
    "decide": ("app.cli.decide:decide", "Decide the pairs of two containers offline."),
    "demo": ("app.cli.demo:demo", "Run the whole job on this machine with invented people."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and turns errors into one line and a hint."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order an operator meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        with loading():
            command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a refusal becomes one line, a hint and an exit code."""
        # Before any command: serve opens encodings and streams link IDs, others open keys or read containers.
        guard_memory()
        try:
            return super().invoke(ctx)
        except BrokerError as exc:
            fail(exc.detail, exc.hint)
        except FormatError as exc:
            fail(str(exc), code=3)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as exc:  # noqa: BLE001 - a foreign message may hold values, so none is shown
            fail(f"the command failed with {type(exc).__name__} at {place_of(exc)}")


def fail(message: str, hint: str | None = None, *, code: int = 1) -> None:
    """Say what is wrong, and what to do, on standard error, and end.

    Exit codes: 1 refused or failed, 2 usage, 3 input data invalid.
    """
    plain = f"{message[:1].lower()}{message[1:].removesuffix('.')}"
    click.echo(f"blindlink-broker: error: {printable(plain)}", err=True)
    if hint:
        click.echo(f"hint: {printable(hint)}", err=True)
    sys.exit(code)


@click.group(
    cls=LazyGroup,
    name="blindlink-broker",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--state",
    "state_dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The broker's state folder; BLINDLINK_STATE_DIR, or ./broker-state, if not given.",
)
@click.version_option(version("blindlink"), prog_name="blindlink-broker")
@click.pass_context
def main(ctx: click.Context, state_dir: Path | None) -> None:
    """Run a Blindlink broker: it compares encodings and never sees an identifier or the secret.

    Example: blindlink-broker init --self-signed, then blindlink-broker serve
    """
    ctx.obj = state_dir
