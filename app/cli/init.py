"""`blindlink-broker init`."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.founding import found_broker
from app.cli.self_signed import write_certificate
from app.durable import make_private_folder, write_new
from app.errors import ConfigurationError
from app.security.log_key import read_log_key
from app.settings import CONFIG_NAME, read_settings

CONFIG_TEXT = """\
# Settings of this broker. The environment (BLINDLINK_PORT=...) and flags win over this file.
# Every setting and its default: docs/operator.md. No secret belongs here, only paths of files.

# The party that runs the broker; its own commands act in its name. Fixed when the broker was founded.
operator = "{operator}"

host = "{host}"
port = {port}
"""


@click.command("init", short_help="Found a broker in the state folder.")
@click.option(
    "--origin",
    default="localhost/blindlink",
    show_default=True,
    help="The match log's name for good: the broker's host and a path, without spaces.",
)
@click.option(
    "--operator",
    default="operator",
    show_default=True,
    help="Short name of the party that runs the broker, such as state-university.",
)
@click.option("--title", default="The broker's operator", help="That party's name for people.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8443, show_default=True)
@click.option("--self-signed", is_flag=True, help="Make a certificate for trials on this machine.")
@click.pass_context
def init(
    ctx: click.Context,
    *,
    origin: str,
    operator: str,
    title: str,
    host: str,
    port: int,
    self_signed: bool,
) -> None:
    """Found a broker: folders, keys, database, match log, and the operator's party.

    Nothing that is there is replaced; after an interruption, run it again.

    Example: blindlink-broker --state /srv/blindlink init --origin broker.example.org/blindlink
    """
    settings = read_settings(ctx.obj, operator=operator, host=host, port=port)
    make_private_folder(settings.state_dir)
    _write_config(settings.state_dir / CONFIG_NAME, operator=operator, host=host, port=port)
    if self_signed and not settings.tls_dir.exists():
        write_certificate(settings.tls_dir)
    found_broker(settings, origin=origin, title=title)
    key = read_log_key(settings.log_key_file).verifier_key
    click.echo(f"the broker is founded in {settings.state_dir}", err=True)
    if self_signed:
        click.echo(
            f"agencies on this machine trust it with {settings.tls_dir / 'broker.crt'}", err=True
        )
    click.echo("give agencies and auditors this key of the match log by another way:", err=True)
    click.echo(key.text)


def _write_config(file: Path, *, operator: str, host: str, port: int) -> None:
    text = CONFIG_TEXT.format(operator=operator, host=host, port=port)
    try:
        write_new(file, text.encode())
    except FileExistsError:
        if file.read_text("utf-8") != text:
            raise ConfigurationError(
                f"there is a {CONFIG_NAME} with other settings already",
                hint=f"change {file}, or remove it",
            ) from None
