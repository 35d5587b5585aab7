"""What most commands begin with: the settings, a founded broker with a current schema, its operator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from app.errors import ConfigurationError
from schemas.shared.memory import collector_paused

if TYPE_CHECKING:
    from app.broker import Broker
    from app.security.actor import Actor
    from app.settings import Settings


def founded_settings(ctx: click.Context, **flags: Any) -> Settings:
    """Return the settings of a broker that `init` has founded."""
    from app.settings import read_settings

    settings = read_settings(ctx.obj, **flags)
    if not settings.log_key_file.exists():
        raise ConfigurationError(
            "there is no broker in this state folder",
            hint="found one with `blindlink-broker init`, or name its folder with --state",
        )
    return settings


@contextmanager
def opened_broker(ctx: click.Context, **flags: Any) -> Iterator[Broker]:
    """Open the broker for the length of a command."""
    with collector_paused():
        from app.broker import open_broker

    broker = open_broker(founded_settings(ctx, **flags))
    try:
        take_up(broker)
        yield broker
    finally:
        broker.close()


def take_up(broker: Broker) -> None:
    """Hold the broker to its schema, and its clock to the log that is there already."""
    from app.migrations.steps import require_current

    require_current(broker.database)
    with broker.database.read() as session:
        broker.log.follow_clock(session)


def local_operator(broker: Broker) -> Actor:
    """Return whom this command acts as."""
    from app.agencies.service import operator_actor

    with broker.database.read() as session:
        return operator_actor(session, broker.settings.operator, broker.clock)


def echo_json(value: Any) -> None:
    """Print a report for programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
