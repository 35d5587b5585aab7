"""`blindlink extract`: the file to hand over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

import click

from encoding.cli.parts.agreed_columns import (
    agreed_columns,
    refuse_counted,
    refuse_other_columns,
)
from encoding.cli.parts.agreements import agreement_in_force
from encoding.cli.parts.options import (
    LINKS,
    agency_options,
    file_options,
    output_options,
    split_columns,
)
from encoding.cli.parts.own_ledger import OwnDesk, Seat
from encoding.cli.parts.project_view import current_view
from encoding.cli.parts.sealed_files import sealing_to
from encoding.cli.parts.session import Session
from encoding.cli.parts.written_files import note_file
from encoding.errors import NotReadyError
from encoding.files import refuse_to_overwrite
from encoding.records.agency_file import AgencyFile, agency_file
from encoding.sharing.blind_links import (
    BlindLinks,
    extract_blind,
    is_blind_links,
    read_blind_links,
    refuse_other_recipient,
)
from encoding.sharing.columns import choose_columns, not_agreed
from encoding.sharing.columns import extract as write_extract
from encoding.sharing.links_file import read_links
from schemas.shared.amounts import counted
from schemas.shared.command_line import emit, json_option

_Write: TypeAlias = Callable[[Path], int]


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
    record that is made for that party alone. With --to, the file is sealed to that party. It gets what the
    agreement in force lets it have. What you have withdrawn or unlinked is left out.
    """
    from encoding.cli.parts.blind_steps import kept_blind_links

    chosen = choose_columns(split_columns(columns), session.config.sections.share.columns)
    refuse_to_overwrite(output, own_start=b"", force=force)
    source = agency_file(session.config, file, id_column)
    links = links_file or session.config.resolve(session.config.sections.output.links)
    if recipient is not None and links_file is None:
        links = kept_blind_links(session, recipient)
    seat = OwnDesk(session, current_view(session))
    if recipient is not None or is_blind_links(links):
        sealed = read_blind_links(links)
        refuse_other_recipient(sealed, recipient)
        _hold_to_agreement(seat, chosen, {sealed.header.recipient, party})
        write, n_left_out = _blind_rows(seat, source, sealed, chosen)
    else:
        _refuse_blind(seat, party)
        _hold_to_agreement(seat, chosen, {party})
        write, n_left_out = _linked_rows(seat, source, links, chosen, party)
    identifiers = {source.id_column, *session.config.sections.columns.values()}
    for column in chosen:
        if column in identifiers:
            session.warn(f"the column {column} tells who someone is, and will be in the file")
    if n_left_out:
        session.say(
            f"{counted(n_left_out, 'record')} of {links.name} left out: withdrawn, unlinked, or with no record"
            " of the other party"
        )
    note_file(session, "extract", output)
    with sealing_to(session, party, output) as path:
        n_rows = write(path)
    document: dict[str, object] = {"file": str(output), "rows": n_rows, "columns": list(chosen)}
    emit(document, remarks=[f"{n_rows:,} rows in {output}"])


def _refuse_blind(seat: Seat, party: str | None) -> None:
    """Refuse to write link IDs for a party that receives sealed match IDs alone."""
    modes = {one.mode for one in seat.view.terms.recipients if one.party == party}
    if "blind" in modes and "linked" not in modes:
        raise click.UsageError(
            f"{party} receives sealed link IDs, and none of yours: add --for {party}"
        )


def _hold_to_agreement(
    seat: Seat, columns: Sequence[str], receivers: Collection[str | None]
) -> None:
    """Hold columns against the agreement in force; None among the receivers is whoever gets the file."""
    session = seat.session
    agreement = agreement_in_force(session, seat.view)
    refuse_counted(agreement, session.party, columns, own=True)
    for receiver in receivers:
        if receiver is not None:
            refuse_other_columns(agreement, session.party, receiver, columns)
    for column in not_agreed(columns, agreed_columns(agreement, session.party)):
        session.warn(
            f"the agreement does not list {column} among the columns that you may hand over"
        )


def _blind_rows(
    seat: Seat, source: AgencyFile, sealed: BlindLinks, columns: tuple[str, ...]
) -> tuple[_Write, int]:
    """Return what writes the rows of records that are not withdrawn, and how many are left out."""
    from encoding.cli.parts.sealed_links import without_withdrawn

    session = seat.session
    with session.workspace.lock():
        left = without_withdrawn(session, sealed.header.round, [sealed], seat.view.terms)
    write = partial(extract_blind, source, left.files[0], left.pseudonyms, columns)
    return write, len(left.left_out)


def _linked_rows(
    seat: Seat, source: AgencyFile, links: Path, columns: Sequence[str], party: str | None
) -> tuple[_Write, int]:
    """Return what writes the rows whose links in the file are in force, and how many are left out."""
    from encoding.cli.parts.shared_links import shared_links

    if party is None and len(seat.view.terms.providers) > 2:
        raise click.UsageError(
            "say which party it is for, since you share different people with each: --to"
        )
    given, shared = read_links(links), shared_links(seat, party)
    if shared is None:
        raise NotReadyError("no link IDs are written here yet", hint="see: blindlink status")
    kept = dict(given.items() & shared.link_of.items())
    return partial(write_extract, source, kept, columns), len(given) - len(kept)
