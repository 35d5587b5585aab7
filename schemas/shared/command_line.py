"""What the three command lines share: commands are loaded when they are called, and results printed one way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Final, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])
_JSON: Final = "schemas.shared.command_line.json"
_PRINTED: Final = "schemas.shared.command_line.printed"


class LazyGroup(click.Group):
    """Imports a command when it is called, so that help is quick; lists them in the order of its table.

    Args:
        table: what help says of each command, by its name.
        package: where the modules of the commands are; each is named as its command.
        elsewhere: names of modules, where several commands share one.
    """

    def __init__(
        self,
        *args: Any,
        table: Mapping[str, str],
        package: str,
        elsewhere: Mapping[str, str] | None = None,
        **attrs: Any,
    ) -> None:
        super().__init__(*args, **attrs)
        self._table = table
        self._package = package
        self._elsewhere = elsewhere or {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load a command; None if there is none of this name."""
        if cmd_name not in self._table:
            return None
        plain = cmd_name.replace("-", "_")
        module = import_module(f"{self._package}.{self._elsewhere.get(cmd_name, plain)}")
        command: click.Command = getattr(module, plain)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table, without loading any command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._table.items()))


def json_option(function: _Function) -> _Function:
    """Add --json: one JSON document on standard output instead of words; `emit` goes by it."""

    def note(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.meta[_JSON] = value

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=note, help="Print one JSON document."
    )(function)


def wants_json() -> bool:
    """Return whether the command that runs was given --json."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_JSON))


def owes_json() -> bool:
    """Return whether the command that runs was given --json and has printed no document yet."""
    return wants_json() and _PRINTED not in click.get_current_context().meta


def emit(document: object, lines: Iterable[str] = (), *, remarks: Iterable[str] = ()) -> None:
    """Print what a command has found or done.

    Args:
        document: with --json this is printed as JSON, and nothing else.
        lines: otherwise these go to standard output.
        remarks: and these are said by the command's session, which writes them to the error output.
    """
    if wants_json():
        click.echo(json.dumps(document, indent=2))
        click.get_current_context().meta[_PRINTED] = True
        return
    for line in lines:
        click.echo(line)
    for remark in remarks:
        click.get_current_context().obj.say(remark)
