"""`blindlink report`: one page of an agency's own part, for an analyst, a steward and a director."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.terminal.options import file_options
from encoding.project.agreement.project_view import at_broker
from encoding.project.noted_files import note_file, refuse_another_page, write_page
from encoding.project.session import Session
from encoding.project.source import Source
from encoding.sharing.agency_state import attention
from schemas.shared.command_line import FILE, emit, json_option


@click.command("report", epilog="Example: blindlink report -o our-linkage.html")
@click.option(
    "--round",
    "of_round",
    is_flag=True,
    help="Write the report of the newest round that has links, as a page and as JSON.",
)
@file_options
@click.option(
    "--output",
    "-o",
    type=FILE,
    help="Where to write the page; with --round, the file of links beside which it is written.",
)
@click.option("--force", is_flag=True, help="Overwrite a file that is no report.")
@json_option
@click.pass_obj
def report(
    session: Session,
    *,
    of_round: bool,
    file: Path | None,
    id_column: str | None,
    output: Path | None,
    force: bool,
) -> None:
    """Write one page of where your agency stands, for an analyst, a steward and a director.

    It says what needs attention now, where the round is, how links changed, how good your file is, and who
    received what. It goes by what the broker says now. If the broker does not answer, it goes by what it said
    last, and says when that was. The page names nobody.

    With --round it is for leadership and counsel: match rates, how many links are likely wrong or missed, what
    changed since the round before, what to do about the data, and who received what on which legal basis.
    `blindlink refresh` writes it too, after each round. The section [report] of the settings names the columns
    for match rates by group; they stay here.
    """
    if of_round:
        source = Source(file=file, id_column=id_column)
        _report_round(session, source, output, force=force)
    elif file is not None or id_column is not None:
        raise click.UsageError("--file and --id-column go with --round")
    else:
        _report_agency(session, output, force=force)


def _report_agency(session: Session, output: Path | None, *, force: bool) -> None:
    from encoding.project.status import agency_state
    from encoding.sharing.agency_page import agency_page, summary

    links = session.config.resolve(session.config.sections.output.links)
    path = output or links.with_name("agency-report.html")
    refuse_another_page(path, force=force)
    found = agency_state(session)
    note_file(session, "link-table", path)
    write_page(path, agency_page(found), force=force)
    emit(
        found.to_json() | {"page": str(path)},
        [one.words() for one in attention(found)],
        remarks=[f"{summary(found)}; the page is {path}"],
    )


def _report_round(session: Session, source: Source, output: Path | None, *, force: bool) -> None:
    from encoding.project.linking.links_files import LinksOrder
    from encoding.project.linking.round_reports import newest_reported, report_of_round
    from encoding.sharing.round_page import summary

    order = LinksOrder(source, output, force=force)
    with at_broker(session) as context:
        written = report_of_round(context, newest_reported(context), order)
    emit(
        written.report.to_json(),
        remarks=[summary(written.report), f"the report is in {written.page}"],
    )
