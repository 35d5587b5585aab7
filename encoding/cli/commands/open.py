"""`blindlink open`: read what was sealed to you."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from encoding.cli.terminal.options import FORCE
from encoding.errors import FileMissingError, SealedFileError
from encoding.files import refuse_to_overwrite, replacing
from encoding.people.sealed_file import read_sealed_header
from encoding.project.noted_files import note_file, note_read
from encoding.project.own_keys import own_keys, unlock_own
from encoding.project.sealed_files import SUFFIX, is_sealed, opened_content
from encoding.project.session import Session
from schemas.shared.command_line import FILE, emit, json_option


@click.command("open", epilog="Example: blindlink open table.csv.sealed")
@click.argument("file", type=FILE)
@click.option(
    "--output",
    "-o",
    type=FILE,
    help=f"The file to write; FILE without its {SUFFIX}, if left out.",
)
@FORCE
@json_option
@click.pass_obj
def open(session: Session, /, *, file: Path, output: Path | None, force: bool) -> None:
    """Open FILE, which was sealed to you with `blindlink seal`, with your own keys.

    A file that was changed or cut off on its way leaves nothing behind.
    """
    if output is None and file.suffix != SUFFIX:
        raise click.UsageError("name the file to write: --output")
    target = output or file.with_suffix("")
    refuse_to_overwrite(target, own_start=b"", force=force)
    unlock_own(session)
    keys = [*own_keys(session)]
    if not file.is_file():
        raise FileMissingError(f"there is no file {file}")
    if not is_sealed(file):
        raise SealedFileError("it is not a sealed file of this program")
    with file.open("rb") as raw:
        sender = read_sealed_header(raw)[0].sender
    note_file(session, "received", target)
    with opened_content(file, keys) as content, replacing(target) as written:
        shutil.copyfileobj(content, written)
    note_read(session, "received", file)
    document: dict[str, object] = {"file": str(target), "from": sender}
    emit(document, remarks=[f"opened, and nothing is missing: {target}"])
