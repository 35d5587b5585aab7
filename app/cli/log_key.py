"""`blindlink-broker log-key`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.opening import founded_settings, local_operator, opened_broker
from app.durable import held
from app.matchlog.draft import entry_actor
from app.security.log_key import (
    move_next_key_into_place,
    next_key_file,
    prepare_next_key,
    read_log_key,
)

if TYPE_CHECKING:
    from app.broker import Broker
    from app.security.actor import Actor
    from schemas.signing.note import VerifierKey


@click.group("log-key", short_help="Show and replace the key that signs the match log.")
def log_key() -> None:
    """The key that signs the match log."""


@log_key.command("show", short_help="Show the public key, for agencies to pin.")
@click.option("--first", "is_first", is_flag=True, help="The key that the log began with.")
@click.pass_context
def show(ctx: click.Context, *, is_first: bool) -> None:
    """Print the public key as one line, for agencies to pin; auditors verify from the log's first key on.

    Example: blindlink-broker log-key show > log-key.txt
    """
    from app.matchlog.proofs import log_keys

    if is_first:
        with opened_broker(ctx) as broker, broker.database.read() as session:
            click.echo(log_keys(session)[0][1])
        return
    file = founded_settings(ctx).log_key_file
    click.echo(read_log_key(file).verifier_key.text)
    if next_key_file(file).exists():
        click.echo(
            "a replacement was interrupted; finish it with: blindlink-broker log-key rotate",
            err=True,
        )


@log_key.command("rotate")
@click.pass_context
def rotate(ctx: click.Context) -> None:
    """Replace the key, while the broker serves; prints the new one. What was interrupted is finished.

    The old key signs an entry that names the new one, so everyone who has the old key follows it
    automatically. The old key is then removed from the state folder.

    Example: blindlink-broker log-key rotate
    """
    with opened_broker(ctx) as broker, held(broker.settings.log_key_file, "the log's key"):
        new = hand_over(broker, local_operator(broker))
    click.echo("make a backup now: a log of before cannot be continued with this key", err=True)
    click.echo(
        "the log is signed by a new key; agencies and auditors follow by themselves", err=True
    )
    click.echo(
        "give it to agencies that join from now on; auditors: log-key show --first", err=True
    )
    click.echo(new.text)


def hand_over(broker: Broker, actor: Actor) -> VerifierKey:
    """Replace the log's key and return the new one; killed anywhere, doing it again finishes it.

    The order is that of who needs what: the new key is on the disk before the log names it, and the old one
    goes only after that, so that a broker which serves meanwhile finds the one it needs.
    """
    file = broker.settings.log_key_file
    new = prepare_next_key(file)
    with broker.database.write() as session:
        if broker.log.follow_key(session) != new.verifier_key:
            broker.log.rotate_key(session, new, entry_actor(actor))
    move_next_key_into_place(file)
    return new.verifier_key
