"""`blindlink known`: pairs of records that are known from before, so that they meet in the next round."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import click

from encoding.errors import AgencyError, NotReadyError
from encoding.project.agreement.project_view import current_view
from encoding.project.session import Session
from encoding.records.agency_file import agency_file
from schemas.api.projects import ProjectView
from schemas.shared.command_line import FILE, emit, json_option


@click.command("known", epilog="Example: blindlink known pairs.csv --partner k12")
@click.argument("file", required=False, type=FILE)
@click.option("--partner", required=True, help="The other agency, by its name in the agreement.")
@click.option(
    "--own-column", default="own_id", show_default=True, help="The column of your own record IDs."
)
@click.option(
    "--partner-column",
    default="partner_id",
    show_default=True,
    help="The column of the partner's record IDs.",
)
@click.option("--forget", is_flag=True, help="Forget the pairs; links that were made by them stay.")
@json_option
@click.pass_obj
def known(
    session: Session,
    *,
    file: Path | None,
    partner: str,
    own_column: str,
    partner_column: str,
    forget: bool,
) -> None:
    """Take pairs that an earlier program linked, or that both agencies assert, from FILE, a CSV file.

    They replace those that you brought in before. The other agency brings in the same pairs. Then the two
    records of each meet in the next round, and are linked unless nothing else speaks for it. Record IDs do not
    leave this computer.
    """
    from encoding.packing.crosswalk import CrosswalkFile, read_pairs, values_of
    from encoding.packing.handles import derive_map_keys

    if forget == (file is not None):
        raise click.UsageError("name the file of pairs, or give --forget")
    workspace, project = session.workspace, session.project
    if file is not None:
        _require_partner(session, current_view(session), partner)
    pairs = read_pairs(file, own_column, partner_column) if file is not None else {}
    if pairs:
        _warn_of_strangers(session, pairs, own_column)
    with workspace.lock():
        path = workspace.crosswalk(project, partner)
        kept = CrosswalkFile(path, project, partner, workspace.key())
        n_before, values = len(kept.read()), {}
        if file is None:
            path.unlink(missing_ok=True)
        else:
            keys = derive_map_keys(workspace.key(), project)
            values = values_of(pairs, keys, session.party, partner)
            kept.write(values)
    taken = (
        f"{len(values):,} known pairs with {partner} are kept and replace {n_before:,} earlier ones; the next"
        " round brings them together if the other agency has them, too"
    )
    said = f"{n_before:,} known pairs with {partner} are forgotten" if file is None else taken
    emit({"partner": partner, "pairs": len(values), "before": n_before}, remarks=[said])


def _warn_of_strangers(session: Session, own_ids: Collection[str], column: str) -> None:
    """Warn where the own file has none of the records; where it cannot be read yet, say nothing."""
    try:
        own = agency_file(session.config)
        chunks = own.open().select([own.id_column]).chunks()
        is_known = any(one in own_ids for chunk in chunks for one in chunk.columns[own.id_column])
    except AgencyError:
        return
    if not is_known:
        session.warn(
            f"none of the record IDs in {column} is in your file {own.path.name}; if the columns are swapped,"
            " import again with --own-column and --partner-column"
        )


def _require_partner(session: Session, view: ProjectView, partner: str) -> None:
    partners = [one for one in view.terms.providers if one != session.party]
    if session.party not in view.terms.providers or partner not in partners:
        raise NotReadyError(
            f"the agreement doesn't link your file with an agency named {partner}",
            hint=f"you link with: {', '.join(partners)}" if partners else None,
        )
