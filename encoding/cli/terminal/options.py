"""Options that every command takes, before its name or after it."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from schemas.shared.command_line import FILE, SharedOption

MAX_REASON: Final = 2000

_Function = TypeVar("_Function", bound=Callable[..., Any])

FORCE: Final = click.option("--force", is_flag=True, help="Overwrite an existing file.")
LINKS: Final = click.option(
    "--links",
    "links_file",
    type=FILE,
    help="The file that `blindlink links` wrote; the settings name it.",
)
RECEIVED: Final = click.option(
    "--from",
    "received",
    multiple=True,
    metavar="PARTY[=FILE]",
    help="A partner whose columns came; with-PARTNER.csv unless you name the file; repeatable.",
)

OTHER_ROUND: Final = click.option(
    "--other-round",
    is_flag=True,
    help="Take what a partner has delivered although it is of another round than the links.",
)


def as_reason(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    """Return a reason as it is kept: in normal form C, without spaces around it; None if none was given."""
    if given is None:
        return None
    text = unicodedata.normalize("NFC", given).strip()
    if not 0 < len(text) <= MAX_REASON or not text.isprintable():
        raise click.BadParameter(
            f"a reason is one line of 1 to {MAX_REASON:,} printable characters"
        )
    return text


def _reason(*, required: bool) -> Callable[[_Function], _Function]:
    return click.option(
        "--reason",
        required=required,
        callback=as_reason,
        help="Why, in your own words; it stays here.",
    )


REASON: Final = _reason(required=True)
REASON_OR_LIST: Final = _reason(required=False)
ACCEPT_CHANGE: Final = click.option(
    "--accept-change",
    metavar="REASON",
    callback=as_reason,
    help="Accept the new links although more links end than is agreed; say why.",
)


def program_options(function: _Function) -> _Function:
    """Add the options that set the session, and that every command takes."""
    options = (
        _shared(
            "--config",
            "config_path",
            FILE,
            "Settings file; blindlink.toml in this folder if left out.",
        ),
        _shared(
            "--workspace",
            "workspace_path",
            click.Path(file_okay=False, path_type=Path),
            "The workspace, your folder of keys and receipts; the settings name it.",
        ),
        _shared(
            "--project", "named_project", None, "The project; the one in your settings if left out."
        ),
        _shared(
            "--broker",
            "broker",
            None,
            "The broker's address, https://...; the one in your settings if left out.",
        ),
        _shared("--ca-file", "ca_file", FILE, "The broker's certificate, with --broker."),
        _shared("--identity", "identity", FILE, "File of your keys; identity.txt if left out."),
        _shared(
            "--passphrase-file",
            "passphrase_file",
            FILE,
            "Read the passphrase of your keys from this file instead of asking.",
        ),
        _shared(
            "--key-file",
            "key_file",
            FILE,
            "The key file that opens your keys; made anew where a command makes keys.",
        ),
        _shared(
            "--quiet", "is_quiet", None, "Show only errors: no progress, no remarks.", is_flag=True
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _shared(
    name: str, field: str, kind: click.Path | None, said: str, *, is_flag: bool = False
) -> Callable[[_Function], _Function]:
    names = (name, "-q") if is_flag else (name,)
    return click.option(
        *names,
        cls=SharedOption,
        type=kind,
        is_flag=is_flag,
        expose_value=False,
        callback=_set(field),
        help=said,
    )


def file_options(function: _Function) -> _Function:
    """Add --file and --id-column, which take the place of those in the settings."""
    options = (
        click.option(
            "--file",
            "file",
            type=FILE,
            help="Your file of people, instead of the one in the settings.",
        ),
        click.option("--id-column", help="The column of your record IDs."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def input_options(function: _Function) -> _Function:
    """Add the options that say where the file of people is, how it is read, and what its columns are."""
    options = (
        click.option("--file", "file", help="Your file of people."),
        click.option("--id-column", help="The column of your record IDs."),
        click.option("--encoding", help="How the text of the file is stored, such as cp1252."),
        click.option("--delimiter", help="The character between cells."),
        click.option("--sheet", help="The sheet of a workbook."),
        click.option("--date-format", help="How your file writes dates, such as MM/DD/YYYY."),
        click.option("--as-of", help="The day that the file describes: today, or 2026-01-31."),
        click.option("--population", help="Which people are in the file, by the agreement's code."),
        click.option(
            "--preset", help="A well-known layout of columns, such as ceds, edfi, calpads."
        ),
        click.option("--columns", "columns_file", type=FILE, help="TOML file of column mappings."),
        click.option(
            "--column", "columns", multiple=True, metavar="NAME=HEADER", help="One mapping."
        ),
        click.option(
            "--share", default="", help="Columns that may be handed over, with commas between."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def exchange_options(function: _Function) -> _Function:
    """Add the options that say who holds the secret, and who carries."""
    options = (
        click.option(
            "--to-file", type=FILE, help="Write into this file instead of sending to the broker."
        ),
        click.option(
            "--holder",
            "holders",
            multiple=True,
            metavar="PARTY=PERSON",
            help="Who holds the secret for PARTY, where you trust several persons of it.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def subject_options(function: _Function) -> _Function:
    """Add the argument FILE and the options that say how it is read."""
    options = (
        click.argument("file", required=False, type=FILE),
        click.option("--preset", help="A known file layout, such as ceds, edfi or calpads."),
        click.option("--id-column", help="The column of your record IDs."),
        click.option(
            "--column",
            "columns",
            multiple=True,
            metavar="NAME=HEADER",
            help="What your file calls a column of the recipe; may be repeated.",
        ),
        click.option("--date-format", help="How your file writes dates, such as MM/DD/YYYY."),
        click.option("--encoding", help="How the text is stored, such as utf-8-sig or cp1252."),
        click.option(
            "--linkage-schema", help="A shipped encoding profile, in place of your project's own."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def file_outputs(function: _Function) -> _Function:
    """Add --output and --html."""
    options = (
        click.option("--output", "-o", type=FILE, help="Write the certificate to this file, too."),
        click.option("--html", "page", type=FILE, help="Write it as a page to print, too."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def output_options(what: str) -> Callable[[_Function], _Function]:
    """Add --output, which must be given, and --force; `what` is its help."""
    output = click.option("--output", "-o", required=True, type=FILE, help=what)
    return lambda function: output(FORCE(function))


def _set(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        # Here, so that the list of commands needs neither the formats nor the network.
        if ctx.resilient_parsing:
            # A shell asks what may come next, and nothing will run.
            return
        from encoding.project.session import Session  # noqa: PLC0415 - see above

        session = ctx.ensure_object(Session)
        if value:
            setattr(session, name, value)

    return callback


def split_columns(text: str) -> tuple[str, ...]:
    """Return the columns of a list with commas between; a name with a comma stands in quotation marks."""
    if not text:
        return ()
    try:
        (row,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError) as exc:
        raise click.BadParameter("not a list of columns", param_hint="--columns") from exc
    return tuple(name.strip() for name in row if name.strip())
