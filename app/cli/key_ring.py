"""`blindlink-broker key-ring`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import click

from app.cli.opening import local_operator, opened_broker
from app.matchlog.draft import EntryDraft, entry_actor
from app.security.rewrapping import count_wrapped, retire_old_keys, rewrap_all
from schemas.matchlog.person_kinds import KeyRotated
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.broker import Broker


@click.group("key-ring", short_help="Replace the key that wraps all others.")
def key_ring() -> None:
    """Replace the key under which all keys of the key store are wrapped, while the broker serves."""


@key_ring.command("list", short_help="List the keys of the ring, and how many keys each wraps.")
@json_option
@click.pass_context
def list_all(ctx: click.Context) -> None:
    """List the keys of the ring by name: how many keys each wraps, and where it is kept.

    The first one wraps new keys.

    Example: blindlink-broker key-ring list
    """
    with opened_broker(ctx) as broker:
        counts = count_wrapped(broker.keystore)
        places = {key.name: key.place for key in broker.keystore.ring.known()}
    rows = [
        {"key": name, "wrapped": count, "place": places.get(name)} for name, count in counts.items()
    ]
    lines = [
        f"{one['key']}  {one['wrapped']} keys, {one['place'] or 'not in the ring'}" for one in rows
    ]
    lines[:1] = [f"{line}, wraps new ones" for line in lines[:1]]
    emit(rows, lines)


@key_ring.command("rotate")
@click.pass_context
def rotate(ctx: click.Context) -> None:
    """Draw a new key and wrap all keys of the key store under it. Nothing has to stop.

    The new key is made where key_keeper of the settings says: in the ring's file, in a security module, or
    in Vault. The old key stays in the ring until `retire`, for what is being wrapped at this moment. That
    there is a new one goes into the match log.

    Example: blindlink-broker key-ring rotate
    """
    with opened_broker(ctx) as broker, broker.keystore.ring.held():
        ring = broker.keystore.ring
        old = ring.primary().name
        ring.add_primary()
        new = ring.primary()
        _log(broker, "key-ring", {old: new.name})
        done = rewrap_all(broker.keystore)
    click.echo(f"{done} keys are wrapped under a new key, {new.place}", err=True)
    click.echo("in a minute or later, drop the old one: blindlink-broker key-ring retire", err=True)


@key_ring.command("retire", short_help="Drop the old keys of the ring.")
@click.pass_context
def retire(ctx: click.Context) -> None:
    """Drop the old keys of the ring; what they still wrap is wrapped anew first.

    From then on a copy of an old key opens nothing of the key store.

    Example: blindlink-broker key-ring retire
    """
    with opened_broker(ctx) as broker, broker.keystore.ring.held():
        old = [key.name for key in broker.keystore.ring.known()[1:]]
        gone = retire_old_keys(broker.keystore)
        _log(broker, "key-ring-old", dict.fromkeys(old))
    click.echo(f"{gone} old keys are gone from the ring", err=True)


def _log(broker: Broker, use: str, replaced: Mapping[str, str | None]) -> None:
    """Log which keys gave way to which, None to none, by digests of their names: the log names no key."""
    operator = local_operator(broker)
    drafts = [
        EntryDraft(
            KeyRotated(
                party=operator.party,
                person=None,
                use=use,
                old=_digest(old),
                new=_digest(new),
                signed=None,
            ),
            entry_actor(operator),
            request=operator.request_id,
        )
        for old, new in replaced.items()
    ]
    with broker.database.write() as session:
        broker.log.append(session, drafts)


def _digest(name: str | None) -> str | None:
    return None if name is None else hashlib.sha256(name.encode("ascii")).hexdigest()
