"""`blindlink-broker log-key`."""

from __future__ import annotations

import click

from app.cli.opening import founded_settings
from app.security.log_key import read_log_key


@click.group("log-key", short_help="Show the key that verifies the match log.")
def log_key() -> None:
    """The key that signs the match log."""


@log_key.command("show")
@click.pass_context
def show(ctx: click.Context) -> None:
    """Print the public key as one line, for agencies and auditors to pin.

    Example: blindlink-broker log-key show > log-key.txt
    """
    click.echo(read_log_key(founded_settings(ctx).log_key_file).verifier_key.text)
