"""`blindlink tabulate`: counts of linked people, without a count from which few of them could be told."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from encoding.cli.terminal.options import (
    LINKS,
    OTHER_ROUND,
    RECEIVED,
    file_options,
    output_options,
    split_columns,
)
from encoding.errors import ExtraMissingError
from encoding.files import refuse_to_overwrite, write_csv
from encoding.project.noted_files import refuse_another_page, refuse_own_file, write_page
from encoding.project.session import Session
from schemas.shared.command_line import emit, json_option


@click.command(
    "tabulate",
    epilog="Example: blindlink tabulate --by grade,county --from k12 -o by-grade.csv",
)
@click.option("--by", required=True, help="The columns to count by, 1 to 3, with commas between.")
@click.option(
    "--within",
    multiple=True,
    metavar="COLUMN=WIDER",
    help="A larger unit of a column, such as school=district, to show its totals; repeatable.",
)
@RECEIVED
@OTHER_ROUND
@file_options
@LINKS
@click.option(
    "--as-of", metavar="ROUND", type=click.IntRange(1), help="Count the links of an earlier round."
)
@click.option(
    "--floor",
    "asked",
    type=click.IntRange(0),
    help="A higher floor than the agreement's; never a lower one.",
)
@output_options("The table to write, as CSV; the page is beside it.")
@json_option
@click.pass_obj
def tabulate(
    session: Session,
    *,
    by: str,
    within: tuple[str, ...],
    received: tuple[str, ...],
    other_round: bool,
    file: Path | None,
    id_column: str | None,
    links_file: Path | None,
    as_of: int | None,
    asked: int | None,
    output: Path,
    force: bool,
) -> None:
    """Count linked people by columns that the agreement lists as counted, your own and a partner's.

    Counts below the agreement's floor are left out, and others with them, so that nobody can compute them from
    totals. Before the table is written, an attack tries to. The page beside it has the table, and says how much
    is not shown. Each person is counted once. Nothing leaves this computer.
    """
    if find_spec("highspy") is None:
        raise ExtraMissingError(
            "choosing which counts are left out needs an optional package",
            hint="in Blindlink's folder: pip install '.[tables]'",
        )
    from encoding.extras.linked_people.people import dimensions_of, people_in
    from encoding.extras.linked_people.sources import (
        Wanted,
        binding_agreement,
        pairs_of,
        parties_of,
        sources_of,
    )
    from encoding.extras.tabulate.table import count_people
    from encoding.extras.tabulate.table_page import summary, table_page
    from encoding.extras.tabulate.tabulation import Terms
    from encoding.extras.tabulate.tabulation import tabulate as make

    if as_of is not None and links_file is not None:
        raise click.UsageError("give either --links or --as-of")
    page = output.with_suffix(".html")
    if page == output:
        raise click.BadParameter("the page is written beside it: name a .csv", param_hint="-o")
    dimensions = dimensions_of(split_columns(by), pairs_of(within, "--within"))
    refuse_to_overwrite(output, own_start=b"", force=force)
    refuse_another_page(page, force=force)
    refuse_own_file(session, output, page)
    kept = binding_agreement(session)
    wanted = Wanted(file, id_column, links_file, as_of, parties_of(received), other_round)
    with sources_of(session, kept, wanted, "counted") as (sources, number):
        table = count_people(dimensions, people_in(sources, dimensions))
    agreement = kept.agreement
    terms = Terms(
        project=session.project,
        party=session.party,
        agreement=kept.digest,
        number=agreement.number,
        purpose=agreement.purpose.code,
        round=number,
        day=session.now().date(),
        floor=max(agreement.limits.floor, asked or 0),
    )
    with session.working("choosing which counts are not shown"):
        made = make(terms, table)
    write_csv(output, made.header, made.rows())
    write_page(page, table_page(made), force=force)
    emit(
        made.statement() | {"file": str(output), "page": str(page)},
        remarks=[f"{table.people:,} people counted; {summary(made)}; {output} and {page.name}"],
    )
