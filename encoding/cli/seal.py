"""`blindlink seal`: encrypt a file to the persons of another party."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import click

from encoding.cli.options import agency_options, json_option
from encoding.cli.session import Session

SUFFIX: Final = ".sealed"
_PIECE_BYTES: Final = 1024 * 1024


@click.command("seal", epilog="Example: blindlink seal to-research.rows --to research-office")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--to", "party", required=True, help="Who can open it: a party of the project.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"The file to write; FILE with {SUFFIX} after it, if left out.",
)
@click.option("--offline", is_flag=True, help="Do not ask the broker for newer keys.")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
@json_option
@agency_options
@click.pass_obj
def seal(
    session: Session,
    *,
    file: Path,
    party: str,
    output: Path | None,
    offline: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Seal FILE so that only the persons of a party whom you trust can open it, by: blindlink open.

    It may then go by any way, such as mail or a stick. First compare their fingerprint: blindlink identity
    trust. A sealed file says who may read it, not who wrote it.
    """
    from encoding.cli import steps
    from encoding.cli.receivers import receivers_of
    from encoding.errors import FileMissingError
    from encoding.files import refuse_to_overwrite, replacing
    from encoding.sealed_file import Address, seal_pieces

    target = output or file.with_name(file.name + SUFFIX)
    refuse_to_overwrite(target, own_start=b"", force=force)
    if not file.is_file():
        raise FileMissingError(f"there is no file {file}")
    receivers = receivers_of(session, party, offline=offline)
    created = session.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    address = Address(session.party, party, receivers, created)
    with file.open("rb") as content, replacing(target) as written:
        written.writelines(seal_pieces(_pieces(content), address))
    document: dict[str, object] = {
        "file": str(target),
        "to": party,
        "persons": [receiver.person for receiver in receivers],
    }
    number = "1 person" if len(receivers) == 1 else f"{len(receivers)} persons"
    steps.print_result(
        session, as_json, document, f"{number} of {party} can open it, and nobody else: {target}"
    )


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(_PIECE_BYTES):
        yield piece
