"""What the three command lines share: commands loaded when called, results and errors printed one way."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from schemas.documents.printable import printable
from schemas.shared.memory import collector_paused
from schemas.shared.terminal import clear, takes_colour

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

USAGE: Final = 2
# As shells say it of a program that Ctrl-C has ended.
INTERRUPTED: Final = 130
# A file to read, or to write.
FILE: Final = click.Path(dir_okay=False, path_type=Path)
# What reads it says what is wrong with it: to a script, that is bad input and not wrong usage.
INPUT_FILE: Final = click.Path(path_type=Path)
_Function = TypeVar("_Function", bound=Callable[..., Any])
_JSON: Final = "schemas.shared.command_line.json"
_PRINTED: Final = "schemas.shared.command_line.printed"


class SharedOption(click.Option):
    """An option of the program that each command takes after its name, too; help lists it once.

    Declare it on the program with a callback, and without a value to pass on.
    """

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return what help says of it: in the program's own help alone."""
        return super().get_help_record(ctx) if ctx.parent is None else None

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return what the environment says; a command's own does not count twice, after what was typed."""
        return super().resolve_envvar_value(ctx) if ctx.parent is None else None


def share_options(command: click.Command, shared: Iterable[SharedOption]) -> None:
    """Let a command, and those below it, take options of the program, but for names that it has itself."""
    if isinstance(command, click.Group):
        for one in command.commands.values():
            share_options(one, shared)
        return
    own = {name for option in command.params for name in option.opts}
    command.params += [one for one in shared if own.isdisjoint(one.opts)]


class LazyGroup(click.Group):
    """Imports a command when it is called, so that help and completion are quick; lists them by section.

    Args:
        sections: what help says of each command, by its name, below the heading that it stands under.
        package: where the modules of the commands are; each is named as its command.
        elsewhere: names of modules, where several commands share one, or whole ones of another package; a
            command may stand here alone, and is then not listed.
    """

    def __init__(
        self,
        *args: Any,
        sections: Mapping[str, Mapping[str, str]],
        package: str,
        elsewhere: Mapping[str, str] | None = None,
        **attrs: Any,
    ) -> None:
        super().__init__(*args, **attrs)
        self._sections = sections
        self._table = flat(sections)
        self._package = package
        self._elsewhere = elsewhere or {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load a command; None if there is none of this name."""
        if cmd_name not in self._table and cmd_name not in self._elsewhere:
            return None
        plain = cmd_name.replace("-", "_")
        with collector_paused():
            place = self._elsewhere.get(cmd_name, plain)
            module = import_module(place if "." in place else f"{self._package}.{place}")
        command: click.Command = getattr(module, plain)
        share_options(command, [one for one in self.params if isinstance(one, SharedOption)])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the sections, with all names in one column, without loading any command."""
        column = max(map(len, self._table))
        for heading, table in self._sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(column), said) for name, said in table.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Load the command that was typed; of one that there is not, say which was meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as exc:
            raise click.NoSuchCommand(args[0], possibilities=self._table, ctx=ctx) from exc

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return what a command that was begun may become, without loading any."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell asks

        named = [
            CompletionItem(name, help=said)
            for name, said in self._table.items()
            if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command; outside tests, end the process with its exit code, and say what is wrong our way."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)  # type: ignore[call-overload]
        program = self.name or ""
        try:
            status = super().main(*args, standalone_mode=False, **extra)  # type: ignore[call-overload]
        except click.ClickException as exc:
            sys.exit(tell_click(program, exc))
        except (click.Abort, KeyboardInterrupt) as exc:
            message, hint, code = said_of_stop(exc)
            complain(program, message, hint)
            sys.exit(code)
        sys.exit(status if isinstance(status, int) else 0)


def flat(sections: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return what help says of each command, whatever its section."""
    return {name: said for table in sections.values() for name, said in table.items()}


def tell_click(program: str, exc: click.ClickException) -> int:
    """Say what click found wrong with a call, and return the exit code; of a group alone, its help is shown."""
    if isinstance(exc, click.exceptions.NoArgsIsHelpError):
        click.echo(exc.format_message(), err=True)
        return USAGE
    called = exc.ctx.command_path if isinstance(exc, click.UsageError) and exc.ctx else program
    complain(
        program, said_of(exc), f"{called} --help" if isinstance(exc, click.UsageError) else None
    )
    return exc.exit_code


def said_of(exc: click.ClickException) -> str:
    """Return what click says of a wrong call, as our sentences are written."""
    # Click gives each choice a line of its own.
    text = exc.format_message().replace("\n\t", " ")
    return text[:1].lower() + text[1:].rstrip().removesuffix(".")


def said_of_stop(exc: click.Abort | KeyboardInterrupt) -> tuple[str, str | None, int]:
    """Return what is said of a command that a person stopped, a hint, and the exit code."""
    # Click makes the same error of Ctrl-C, of the end of what is typed, and of a question answered with no.
    why = exc.__context__ if isinstance(exc, click.Abort) else exc
    if isinstance(why, KeyboardInterrupt):
        return "interrupted; nothing is lost", None, INTERRUPTED
    if isinstance(why, EOFError):
        return "the input ended before a question was answered", "type the command at a terminal", 1
    return "stopped; nothing was done", None, 1


def complain(program: str, message: str, hint: str | None = None) -> None:
    """Say on the error output what is wrong, and what to do about it."""
    clear()
    click.echo(f"{tinted(f'{program}: error:', 'red')} {printable(message)}", err=True)
    if hint:
        click.echo(f"{tinted('hint:', 'cyan')} {printable(hint)}", err=True)


def remark(program: str, sentence: str, *, is_warning: bool = False) -> None:
    """Say on the error output what the user should know."""
    clear()
    begin = tinted(f"{program}: warning:", "yellow") if is_warning else f"{program}:"
    click.echo(f"{begin} {printable(sentence)}", err=True)


def tinted(words: str, colour: str) -> str:
    """Return words as the error output shows them: in a colour where its terminal takes one."""
    return click.style(words, fg=colour, bold=True) if takes_colour(sys.stderr) else words


def _json_option(cls: type[click.Option]) -> Callable[[_Function], _Function]:
    def note(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            ctx.meta[_JSON] = value

    said = "Print one JSON document."
    return click.option(
        "--json", cls=cls, is_flag=True, expose_value=False, callback=note, help=said
    )


# One JSON document on standard output instead of words; `emit` goes by it.
json_option: Final = _json_option(click.Option)
# The same for a program all of whose commands print one.
shared_json: Final = _json_option(SharedOption)


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


def one_line(text: str) -> str:
    """Return a text as it is signed, without spaces round it; as a `type` of click, it asks anew at a prompt.

    Raises:
        click.BadParameter: `schemas.agreement.clauses.Line` does not take it.
    """
    # Not before someone types one: they take long to load.
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    from schemas.documents.texts import MAX_LINE, Line  # noqa: PLC0415

    # A Mac's keyboard may compose an accent of two characters; what is signed holds one.
    written = unicodedata.normalize("NFC", text.strip())
    try:
        TypeAdapter(Line).validate_python(written)
    except ValidationError:
        raise click.BadParameter(
            f"enter one line of 1 to {MAX_LINE} printable characters"
        ) from None
    return written
