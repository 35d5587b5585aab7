"""`blindlink report`: one page of an agency's own part, for an analyst, a steward and a director."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.project.noted_files import note_file, refuse_another_page, write_page
from encoding.project.session import Session
from encoding.sharing.agency_state import attention
from schemas.shared.command_line import FILE, emit, json_option


@click.command("report", epilog="Example: blindlink report -o our-linkage.html")
@click.option(
    "--output",
    "-o",
    type=FILE,
    help="Where to write the page; agency-report.html beside the file of links if left out.",
)
@click.option("--force", is_flag=True, help="Overwrite a file that is no report.")
@json_option
@click.pass_obj
def report(session: Session, *, output: Path | None, force: bool) -> None:
    """Write one page of where your agency stands, for an analyst, a steward and a director.

    It says what needs attention now, where the round is, how links changed, how good your file is, and who
    received what. It goes by what the broker says now. If the broker does not answer, it goes by what it said
    last, and says when that was. The page names nobody.
    """
    from encoding.project.status import agency_state
    from encoding.sharing.agency_page import agency_page, summary

    links = session.links_path
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
