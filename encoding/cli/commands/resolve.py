"""`blindlink resolve`: which of the agency's own records some handles stand for."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.terminal.options import file_options, output_options
from encoding.files import refuse_to_overwrite
from encoding.project.noted_files import note_file
from encoding.project.session import Session
from encoding.records.agency_file import agency_file


@click.command("resolve", epilog="Example: blindlink resolve pairs.csv -o pairs-with-ids.csv")
@click.argument("listed", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@file_options
@output_options("Where to write the rows with your record IDs.")
@click.pass_obj
def resolve(
    session: Session,
    *,
    listed: Path,
    file: Path | None,
    id_column: str | None,
    output: Path,
    force: bool,
) -> None:
    """Put your own record IDs in place of the handles in LISTED, a CSV file with a column `handle`.

    A row whose handle matches no record of your file is kept without a record ID: its handle is in the column
    `unknown_handle`. Nothing leaves this computer.
    """
    from encoding.sharing.handle_resolution import resolve_handles

    refuse_to_overwrite(output, own_start=b"", force=force)
    own = agency_file(session.config, file, id_column)
    note_file(session, "handle-map", output)
    with session.workspace.lock():
        done = resolve_handles(session.workspace, own, listed, output)
    n_known = done.n_rows - done.n_unknown
    session.say(f"{n_known:,} of {done.n_rows:,} rows stand for records of yours, in {output}")
    if done.n_unknown:
        session.warn(
            f"rows without a record ID: {done.n_unknown:,}; their records are not in {own.path.name}, or not "
            "yours, and an auditor will ask where they are"
        )
