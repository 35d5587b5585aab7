"""Options that say which broker, for whoever has no settings file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from encoding.cli.parts.session import Session
from encoding.workspace.config import is_broker_url
from schemas.shared.command_line import FILE

_Function = TypeVar("_Function", bound=Callable[..., Any])


def broker_options(function: _Function) -> _Function:
    """Add --broker and --ca-file, for whoever has no settings file; both may stand in the environment."""
    options = (
        click.option(
            "--broker",
            envvar="BLINDLINK_BROKER",
            help="The broker's address, https://...; if left out, the one in your settings.",
        ),
        click.option(
            "--ca-file",
            type=FILE,
            envvar="BLINDLINK_CA_FILE",
            help="The broker's certificate, with --broker.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def broker_of(session: Session, given: Mapping[str, Any]) -> tuple[str, Path | None]:
    """Return the broker's address and certificate file, from the options or else the settings."""
    if given["broker"] is not None:
        if not is_broker_url(given["broker"]):
            raise click.BadParameter(
                "not an address that begins with https://", param_hint="--broker"
            )
        return given["broker"].rstrip("/"), given["ca_file"]
    broker = session.config.sections.broker
    configured = None if broker.ca_file is None else session.config.resolve(broker.ca_file)
    return broker.url.rstrip("/"), given["ca_file"] or configured
