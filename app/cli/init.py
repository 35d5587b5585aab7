"""`blindlink-broker init`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from app.cli.founding import found_broker
from app.cli.self_signed import write_certificate
from app.durable import make_private_folder, write_new
from app.errors import ConfigurationError
from app.security.log_key import read_log_key
from schemas.shared.command_line import one_line

CONFIG_TEXT = """\
# Settings of this broker. The environment (BLINDLINK_PORT=...) and flags win over this file.
# Every setting and its default: docs/operator.md. No secret belongs here, only paths of files.

# The party that runs the broker; its own commands act in its name. Fixed when the broker was founded.
operator = "{operator}"

# The address under which parties reach the broker: what they sign to come in names it.
{public_url}

host = "{host}"
port = {port}
"""


@click.command("init", short_help="Found a broker in the state folder.")
@click.option(
    "--origin",
    help="The match log's name for good: the broker's host and a path, without spaces. Without it, a random "
    "one that is fit for trials.",
)
@click.option(
    "--operator",
    default="operator",
    show_default=True,
    help="Short name of the party that runs the broker, such as state-university.",
)
@click.option(
    "--title",
    type=one_line,
    metavar="TEXT",
    default="The broker's operator",
    help="That party's name for people.",
)
@click.option("--public-url", help="The address under which parties reach the broker, https://...")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8443, show_default=True)
@click.option("--self-signed", is_flag=True, help="Make a certificate for trials on this machine.")
@click.pass_context
def init(
    ctx: click.Context,
    *,
    origin: str | None,
    operator: str,
    title: str,
    public_url: str | None,
    host: str,
    port: int,
    self_signed: bool,
) -> None:
    """Found a broker: folders, keys, database, match log, and the operator's party.

    Nothing that is there is replaced; after an interruption, run it again.

    Example: blindlink-broker --state /srv/blindlink init --origin broker.example.org/blindlink
    """
    from app.settings import CONFIG_NAME, read_settings

    chosen = {"operator": operator, "public_url": public_url, "host": host, "port": port}
    settings = read_settings(ctx.obj, **chosen)
    make_private_folder(settings.state_dir)
    _write_config(settings.state_dir / CONFIG_NAME, chosen)
    if self_signed and not settings.tls_dir.exists():
        write_certificate(settings.tls_dir)
    found_broker(settings, origin=origin, title=title)
    key = read_log_key(settings.log_key_file).verifier_key
    click.echo(f"the broker is founded in {settings.state_dir}", err=True)
    if self_signed:
        click.echo(
            f"agencies on this machine trust it with {settings.tls_dir / 'broker.crt'}", err=True
        )
    click.echo("say who takes part: blindlink-broker open --template > parties.toml", err=True)
    click.echo("people without an invitation file need this key of the match log:", err=True)
    click.echo(key.text)


def _write_config(file: Path, chosen: Mapping[str, str | int | None]) -> None:
    from app.settings import CONFIG_NAME

    url = chosen["public_url"]
    line = '# public_url = "https://..."' if url is None else f'public_url = "{url}"'
    text = CONFIG_TEXT.format_map({**chosen, "public_url": line})
    try:
        write_new(file, text.encode())
    except FileExistsError:
        if file.read_text("utf-8") != text:
            raise ConfigurationError(
                f"there is a {CONFIG_NAME} with other settings already",
                hint=f"change {file}, or remove it",
            ) from None
