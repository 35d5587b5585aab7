"""`blindlink extract`: the file to hand over."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from encoding.cli.parts.agreed_columns import agreed_columns, refuse_counted
from encoding.cli.parts.options import (
    LINKS,
    agency_options,
    file_options,
    output_options,
    split_columns,
)
from encoding.cli.parts.project_view import remembered_view
from encoding.cli.parts.sealed_files import sealing_to
from encoding.cli.parts.session import Session
from encoding.cli.parts.written_files import note_file
from encoding.files import refuse_to_overwrite
from encoding.records.agency_file import agency_file
from encoding.sharing.blind_links import (
    extract_blind,
    is_blind_links,
    read_blind_links,
    refuse_other_recipient,
)
from encoding.sharing.columns import choose_columns, not_agreed
from encoding.sharing.columns import extract as write_extract
from schemas.shared.command_line import emit, json_option


@click.command(
    "extract",
    epilog="Example: blindlink extract --columns school,grade --to child-welfare -o school.csv.sealed",
)
@file_options
@LINKS
@click.option("--for", "recipient", help="Write sealed link IDs, which only this party can open.")
@click.option("--columns", default="", help="Some of the listed columns, with commas between.")
@click.option("--to", "party", help="Seal it, so that only the persons of this party can open it.")
@output_options("The file to hand over.")
@json_option
@agency_options
@click.pass_obj
def extract(
    session: Session,
    *,
    file: Path | None,
    id_column: str | None,
    links_file: Path | None,
    recipient: str | None,
    columns: str,
    party: str | None,
    output: Path,
    force: bool,
) -> None:
    """Write link IDs and listed columns of your linked rows, to hand over to the other agency.

    Only columns that blindlink.toml lists in the section [share] can be written; no record ID is. With --for,
    or a file of links that are sealed, all rows that were uploaded are written beside sealed link IDs: the
    party that can open them reads the file with `blindlink open`. Each of these rows has a pseudonym of its
    record that is made for that party alone. With --to, the file is sealed to that party.
    """
    from encoding.cli.parts.blind_steps import kept_blind_links
    from encoding.cli.parts.sealed_links import pseudonyms_for

    settings = session.config.sections
    chosen = choose_columns(split_columns(columns), settings.share.columns)
    refuse_counted(session, chosen, own=True)
    refuse_to_overwrite(output, own_start=b"", force=force)
    source = agency_file(session.config, file, id_column)
    identifiers = {source.id_column, *settings.columns.values()}
    for column in chosen:
        if column in identifiers:
            session.warn(f"the column {column} tells who someone is, and will be in the file")
    for column in not_agreed(chosen, agreed_columns(session)):
        session.warn(
            f"the agreement does not list {column} among the columns that you may hand over"
        )
    links = links_file or session.config.resolve(settings.output.links)
    if recipient is not None and links_file is None:
        links = kept_blind_links(session, recipient)
    note_file(session, "extract", output)
    write = partial(write_extract, source, links, chosen)
    if recipient is not None or is_blind_links(links):
        sealed = read_blind_links(links)
        refuse_other_recipient(sealed, recipient)
        terms = remembered_view(session).terms
        with session.workspace.lock():
            pseudonyms = pseudonyms_for(session, sealed.header, terms)
        write = partial(extract_blind, source, sealed, pseudonyms, chosen)
    with sealing_to(session, party, output) as path:
        n_rows = write(path)
    document: dict[str, object] = {"file": str(output), "rows": n_rows, "columns": list(chosen)}
    emit(document, remarks=[f"{n_rows:,} rows in {output}"])
