"""`blindlink-broker key-ring`."""

from __future__ import annotations

import click

from app.cli.opening import echo_json, opened_broker
from app.security.keyring import KeyRing
from app.security.rewrapping import count_wrapped, retire_old_keys, rotate_ring


@click.group("key-ring", short_help="Replace the key that wraps all others.")
def key_ring() -> None:
    """Replace the key under which all keys of the key store are wrapped, while the broker serves."""


@key_ring.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def list_all(ctx: click.Context, *, as_json: bool) -> None:
    """List the keys of the ring by name, and how many keys each wraps; the first one wraps new keys.

    Example: blindlink-broker key-ring list
    """
    with opened_broker(ctx) as broker:
        counts = count_wrapped(broker.keystore, KeyRing(broker.settings.ring_file))
    if as_json:
        echo_json([{"key": name, "wrapped": count} for name, count in counts.items()])
        return
    for number, (name, count) in enumerate(counts.items()):
        click.echo(f"{name}  {count} keys{'' if number else ', wraps new ones'}")


@key_ring.command("rotate")
@click.pass_context
def rotate(ctx: click.Context) -> None:
    """Draw a new key and wrap all keys of the key store under it. Nothing has to stop.

    The old key stays in the ring until `retire`, for what is being wrapped at this moment.

    Example: blindlink-broker key-ring rotate
    """
    with opened_broker(ctx) as broker:
        done = rotate_ring(broker.keystore, broker.settings.ring_file)
    click.echo(f"{done} keys are wrapped under a new key", err=True)
    click.echo("in a minute or later, drop the old one: blindlink-broker key-ring retire", err=True)


@key_ring.command("retire")
@click.pass_context
def retire(ctx: click.Context) -> None:
    """Drop the old keys of the ring; what they still wrap is wrapped anew first.

    From then on a copy of an old key opens nothing of the key store.

    Example: blindlink-broker key-ring retire
    """
    with opened_broker(ctx) as broker:
        gone = retire_old_keys(broker.keystore, broker.settings.ring_file)
    click.echo(f"{gone} old keys are gone from the ring", err=True)
