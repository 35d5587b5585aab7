"""What a command has found or done, as a document or in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])
_JSON: Final = "encoding.cli.json"


def json_option(function: _Function) -> _Function:
    """Add --json: one JSON document on standard output instead of words; it is not passed on."""

    def note(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.meta[_JSON] = value

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=note, help="Print one JSON document."
    )(function)


def wants_json() -> bool:
    """Return whether the command that runs was given --json."""
    return bool(click.get_current_context().meta.get(_JSON))


def emit(document: object, lines: Iterable[str] = (), *, remarks: Iterable[str] = ()) -> None:
    """Print what a command has found or done.

    Args:
        document: with --json this is printed as JSON, and nothing else.
        lines: otherwise these go to standard output.
        remarks: and these to the error output, unless it is to be quiet.
    """
    if wants_json():
        click.echo(json.dumps(document, indent=2))
        return
    for line in lines:
        click.echo(line)
    for remark in remarks:
        click.get_current_context().obj.say(remark)
