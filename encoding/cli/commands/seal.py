"""`blindlink seal`: encrypt a file to the persons of another party."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.terminal.options import FORCE
from encoding.errors import FileMissingError
from encoding.files import refuse_to_overwrite
from encoding.project.agreement.rosters import receivers_of
from encoding.project.noted_files import note_file
from encoding.project.sealed_files import SUFFIX, seal_file
from encoding.project.session import Session
from schemas.shared.command_line import FILE, emit, json_option


@click.command("seal", epilog="Example: blindlink seal table.csv --to research-office")
@click.argument("file", type=FILE)
@click.option("--to", "party", required=True, help="Who can open it: a party of the project.")
@click.option(
    "--output",
    "-o",
    type=FILE,
    help=f"The file to write; FILE with {SUFFIX} after it, if left out.",
)
@click.option("--offline", is_flag=True, help="Do not ask the broker for newer keys.")
@FORCE
@json_option
@click.pass_obj
def seal(
    session: Session,
    *,
    file: Path,
    party: str,
    output: Path | None,
    offline: bool,
    force: bool,
) -> None:
    """Seal FILE, so that only the people of a party whom you trust can open it: blindlink open.

    You can then send it any way, by e-mail or on a USB stick. First compare their fingerprint: blindlink
    people trust. A sealed file shows who can read it, not who wrote it.
    """
    target = output or file.with_name(file.name + SUFFIX)
    refuse_to_overwrite(target, own_start=b"", force=force)
    if not file.is_file():
        raise FileMissingError(f"there is no file {file}")
    receivers = receivers_of(session, party, offline=offline)
    note_file(session, "extract", target)
    sentence = seal_file(session, file, party, receivers, target)
    document: dict[str, object] = {
        "file": str(target),
        "to": party,
        "persons": [receiver.person for receiver in receivers],
    }
    emit(document, remarks=[sentence])
