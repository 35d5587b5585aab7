"""`blindlink join`: received columns beside the own rows."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.parts.agreed_columns import refuse_counted
from encoding.cli.parts.agreements import agreements_kept
from encoding.cli.parts.options import (
    LINKS,
    agency_options,
    file_options,
    output_options,
    split_columns,
)
from encoding.cli.parts.sealed_files import unsealed
from encoding.cli.parts.session import Session
from encoding.cli.parts.written_files import note_file, note_read
from encoding.files import refuse_to_overwrite
from encoding.records.agency_file import AgencyFile, agency_file
from encoding.sharing.columns import LINK_ID, attach
from schemas.shared.command_line import FILE, emit, json_option


@click.command(
    "join",
    epilog="Example: blindlink join from-schools.csv --columns school,grade -o with-school.csv",
)
@click.argument("received", type=FILE)
@file_options
@LINKS
@click.option(
    "--by-link-id",
    is_flag=True,
    help="Your FILE has link IDs itself: join two files that `blindlink open` wrote.",
)
@click.option(
    "--columns",
    required=True,
    help="The columns that the agreement lets you have, with commas between.",
)
@click.option("--keep", default="", help="Columns of your own file to write, too.")
@click.option("--all", "keep_unlinked", is_flag=True, help="Write rows without a link as well.")
@output_options("The file to write.")
@json_option
@agency_options
@click.pass_obj
def join(
    session: Session,
    *,
    received: Path,
    file: Path | None,
    id_column: str | None,
    links_file: Path | None,
    by_link_id: bool,
    columns: str,
    keep: str,
    keep_unlinked: bool,
    output: Path,
    force: bool,
) -> None:
    """Attach the columns of RECEIVED, a file that `blindlink extract` made, to your own rows by link ID.

    Your record ID and the listed columns are written, and what you keep of your own file. A received
    column that you did not list is refused. A file that was sealed to you is opened first.
    """
    wanted = split_columns(columns)
    binding = agreements_kept(session).binding_about(session.now().date())
    if binding:
        refuse_counted(binding[-1].agreement, session.party, wanted, own=False)
    refuse_to_overwrite(output, own_start=b"", force=force)
    links: Path | None = None
    if by_link_id:
        if file is None:
            raise click.UsageError("name your file that has link IDs: --file")
        own = AgencyFile(file, LINK_ID)
    else:
        own = agency_file(session.config, file, id_column)
        links = links_file or session.config.resolve(session.config.sections.output.links)
    note_file(session, "received", output)
    with unsealed(session, [received]) as (readable,):
        done = attach(
            own,
            links,
            readable,
            wanted,
            output,
            keep=split_columns(keep),
            keep_unlinked=keep_unlinked,
        )
    note_read(session, "received", received)
    document: dict[str, object] = {
        "file": str(output),
        "rows": done.rows,
        "rows_attached": done.rows_attached,
    }
    sentence = (
        f"{done.rows_attached:,} of {done.rows:,} rows found something to attach, in {output}"
    )
    emit(document, remarks=[sentence])
