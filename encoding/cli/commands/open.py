"""`blindlink open`: read what was sealed to you."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoding.cli.parts.column_list import split_columns
from encoding.cli.parts.options import agency_options, json_option
from encoding.cli.parts.own_identity import identity_options, unlock_own
from encoding.cli.parts.results import print_result
from encoding.cli.parts.sealed_files import SUFFIX, is_sealed, opened_content
from encoding.cli.parts.session import Session
from encoding.cli.parts.written_files import note_file
from encoding.errors import FileMissingError, SealedFileError
from encoding.files import refuse_to_overwrite, replacing, write_csv
from encoding.people.sealed_file import read_sealed_header
from encoding.sharing.blind_rows import ROWS_START, open_blind_rows
from encoding.sharing.columns import LINK_ID

if TYPE_CHECKING:
    from io import BufferedReader

    from encoding.people.identity import Identity


@click.command(
    "open",
    epilog="Example: blindlink open from-schools.rows.sealed --columns grade,days -o schools.csv",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--columns",
    help="For rows with link IDs: the columns that the agreement lets you have, with commas between.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"The file to write; FILE without its {SUFFIX}, if left out.",
)
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
@json_option
@identity_options
@agency_options
@click.pass_obj
def open(
    session: Session,
    /,
    *,
    file: Path,
    columns: str | None,
    output: Path | None,
    force: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Open FILE, which somebody has sealed to you with `blindlink seal`, with your own keys.

    Where it holds rows with sealed link IDs, as `blindlink extract` writes them for a recipient, those are
    opened too: you get link_id and the columns that you list. A column that you did not list is refused, and
    a file that was changed or cut off on its way leaves nothing behind.
    """
    target = _target(file, output)
    refuse_to_overwrite(target, own_start=b"", force=force)
    own = unlock_own(session, given)
    document: dict[str, object] = {"file": str(target)}
    with _opened(file, own, document) as content:
        if content.peek(len(ROWS_START)).startswith(ROWS_START):
            sentence = _write_rows(content, own, columns, target, document)
        elif "from" not in document:
            raise SealedFileError("it is not a sealed file of this program")
        else:
            _write_content(content, columns, target)
            sentence = f"opened, and it is whole: {target}"
    # Not before: a file that was cut off leaves nothing behind.
    note_file(session, "received", file, target)
    print_result(session, as_json, document, sentence)


def _target(file: Path, output: Path | None) -> Path:
    if output is not None:
        return output
    if file.suffix != SUFFIX:
        raise click.UsageError("name the file to write: --output")
    return file.with_suffix("")


@contextlib.contextmanager
def _opened(file: Path, own: Identity, document: dict[str, object]) -> Iterator[BufferedReader]:
    """Give the content of a sealed file, or of one that is not sealed as a whole."""
    if not file.is_file():
        raise FileMissingError(f"there is no file {file}")
    sealed = is_sealed(file)
    with file.open("rb") as raw:
        if not sealed:
            yield raw
            return
        document["from"] = read_sealed_header(raw)[0].sender
    with opened_content(file, own) as content:
        yield content


def _write_content(content: BufferedReader, columns: str | None, target: Path) -> None:
    if columns is not None:
        raise click.UsageError(
            "--columns is for rows with sealed link IDs, and this file holds none"
        )
    with replacing(target) as written:
        shutil.copyfileobj(content, written)


def _write_rows(
    content: BufferedReader,
    own: Identity,
    columns: str | None,
    target: Path,
    document: dict[str, object],
) -> str:
    if columns is None:
        raise click.UsageError("list the columns that the agreement lets you have: --columns")
    opened = open_blind_rows(content, own, split_columns(columns))
    n_rows = 0

    def counted() -> Iterator[tuple[str, ...]]:
        nonlocal n_rows
        for n_rows, row in enumerate(opened.rows, start=1):  # noqa: B007 - the count is what is kept
            yield row

    write_csv(target, (LINK_ID, *opened.columns), counted())
    header = opened.header
    document |= {
        "rows": n_rows,
        "columns": list(opened.columns),
        "release": header.release,
        "run": header.run,
        "agency": header.agency,
        "space": header.space,
    }
    return f"{n_rows:,} rows of {header.agency} with link IDs, in {target}"
