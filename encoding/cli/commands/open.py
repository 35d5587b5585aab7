"""`blindlink open`: read what was sealed to you."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from encoding.cli.parts.options import FORCE, agency_options, split_columns
from encoding.cli.parts.own_identity import identity_options, own_keys, unlock_own
from encoding.cli.parts.sealed_files import SUFFIX, is_sealed, opened_content
from encoding.cli.parts.session import Session
from encoding.cli.parts.written_files import note_file, note_read
from encoding.errors import FileMissingError, LinksFileError, SealedFileError
from encoding.files import refuse_to_overwrite, replacing, write_csv
from encoding.people.sealed_file import read_sealed_header
from encoding.sharing.blind_ledger import BlindLedger, RowsOf, rows_of
from encoding.sharing.blind_rows import ROWS_START, OpenedRows, open_blind_rows
from encoding.sharing.columns import LINK_ID
from schemas.shared.command_line import FILE, emit, json_option

if TYPE_CHECKING:
    from io import BufferedReader

    from encoding.people.identity import Identity

MATCH_ID: Final = "match_id"


@click.command(
    "open",
    epilog="Example: blindlink open from-schools.rows.sealed --columns grade,days -o schools.csv",
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option(
    "--columns",
    multiple=True,
    help="For rows with link IDs: the columns that the agreement lets you have, with commas between;"
    " once for each file.",
)
@click.option(
    "--output",
    "-o",
    "outputs",
    multiple=True,
    type=FILE,
    help=f"The file to write, once for each; FILE without its {SUFFIX}, if left out.",
)
@FORCE
@json_option
@identity_options
@agency_options
@click.pass_obj
def open(
    session: Session,
    /,
    *,
    files: tuple[Path, ...],
    columns: tuple[str, ...],
    outputs: tuple[Path, ...],
    force: bool,
    **given: Any,
) -> None:
    """Open FILE, which was sealed to you with `blindlink seal`, with your own keys.

    Rows with sealed match IDs, as `blindlink extract` writes them for a recipient, give link IDs that last if
    you open the files of all agencies of a round with one command: each is written with link_id and the columns
    that you list for it. A row without a match has a link_id that no other record has. One such file alone
    gives match_id, which is new in every run. A column that you did not list is refused, and a file that was
    changed or cut off on its way leaves nothing behind.
    """
    targets = _targets(files, outputs)
    for target in targets:
        refuse_to_overwrite(target, own_start=b"", force=force)
    if columns and len(columns) != len(files):
        raise click.UsageError("list the columns of each file: one --columns for each")
    unlock_own(session, given)
    keys = [*own_keys(session)]
    if len(files) > 1:
        document, sentence = _open_together(session, keys, files, columns, targets)
    else:
        document, sentence = _open_one(
            session, keys, files[0], columns[0] if columns else None, targets[0]
        )
    emit(document, remarks=[sentence])


def _targets(files: tuple[Path, ...], outputs: tuple[Path, ...]) -> tuple[Path, ...]:
    if outputs:
        if len(outputs) != len(files):
            raise click.UsageError("name a file to write for each file: one --output for each")
        return outputs
    if any(file.suffix != SUFFIX for file in files):
        raise click.UsageError("name the file to write: --output")
    return tuple(file.with_suffix("") for file in files)


def _open_one(
    session: Session, keys: Sequence[Identity], file: Path, columns: str | None, target: Path
) -> tuple[dict[str, object], str]:

    document: dict[str, object] = {"file": str(target)}
    note_file(session, "received", target)
    with _opened(file, keys, document) as content:
        if content.peek(len(ROWS_START)).startswith(ROWS_START):
            sentence = _write_rows(content, keys, columns, target, document)
        elif "from" not in document:
            raise SealedFileError("it is not a sealed file of this program")
        else:
            _write_content(content, columns, target)
            sentence = f"opened, and nothing is missing: {target}"
    note_read(session, "received", file)
    return document, sentence


def _open_together(
    session: Session,
    keys: Sequence[Identity],
    files: tuple[Path, ...],
    columns: tuple[str, ...],
    targets: tuple[Path, ...],
) -> tuple[dict[str, object], str]:
    """Open the rows of all agencies of a round, carry the ledger on, and write each with its link IDs.

    Every file is read twice: no link ID is known before all of them were found whole.
    """

    listed = [split_columns(text) for text in columns]
    if not listed:
        raise click.UsageError("list the columns that the agreement lets you have: --columns")
    handed_over: list[RowsOf] = []
    for file, wanted in zip(files, listed, strict=True):
        with _rows(file, keys, wanted) as opened:
            pairs = ((row.match, row.pseudonym) for row in opened.rows)
            handed_over.append(rows_of(opened.header, pairs))
    if handed_over[0].header.recipient != session.party:
        raise LinksFileError("the rows are for a different party from the one in your settings")
    with session.workspace.lock():
        link_of = BlindLedger.of(session.workspace, handed_over[0].header).link(handed_over)
    n_rows = 0
    for file, wanted, target in zip(files, listed, targets, strict=True):
        note_read(session, "received", file)
        note_file(session, "received", target)
        with _rows(file, keys, wanted) as opened:
            rows = [(link_of.get(row.pseudonym, row.pseudonym), *row.cells) for row in opened.rows]
        write_csv(target, (LINK_ID, *wanted), rows)
        n_rows += len(rows)
    header = handed_over[0].header
    n_linked = len(set(link_of.values()))
    document: dict[str, object] = {
        "files": [str(target) for target in targets],
        "rows": n_rows,
        "round": header.round,
        "space": header.space,
        "links": n_linked,
    }
    return document, f"round {header.round}: {n_rows:,} rows, {n_linked:,} link IDs with a match"


@contextlib.contextmanager
def _rows(file: Path, keys: Sequence[Identity], columns: tuple[str, ...]) -> Iterator[OpenedRows]:

    with _opened(file, keys, {}) as content:
        yield open_blind_rows(content, keys, columns)


@contextlib.contextmanager
def _opened(
    file: Path, keys: Sequence[Identity], document: dict[str, object]
) -> Iterator[BufferedReader]:
    """Give the content of a sealed file, or of one that is not sealed as a whole."""
    if not file.is_file():
        raise FileMissingError(f"there is no file {file}")
    sealed = is_sealed(file)
    with file.open("rb") as raw:
        if not sealed:
            yield raw
            return
        document["from"] = read_sealed_header(raw)[0].sender
    with opened_content(file, keys) as content:
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
    keys: Sequence[Identity],
    columns: str | None,
    target: Path,
    document: dict[str, object],
) -> str:
    if columns is None:
        raise click.UsageError("list the columns that the agreement lets you have: --columns")
    opened = open_blind_rows(content, keys, split_columns(columns))
    n_rows = 0

    def counted() -> Iterator[tuple[str, ...]]:
        nonlocal n_rows
        for n_rows, row in enumerate(opened.rows, start=1):  # noqa: B007 - the count is what is kept
            yield (row.match.hex(), *row.cells)

    write_csv(target, (MATCH_ID, *opened.columns), counted())
    header = opened.header
    document |= {
        "rows": n_rows,
        "columns": list(opened.columns),
        "release": header.release,
        "run": header.run,
        "agency": header.agency,
        "space": header.space,
    }
    return (
        f"{n_rows:,} rows of {header.agency} with match IDs of round {header.round}, in {target};"
        " for link IDs, open the files of all agencies with one command"
    )
