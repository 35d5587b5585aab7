"""`blindlink check`: the quality of a file, before anything is encoded."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoding.cli.terminal.options import subject_options
from encoding.files import refuse_to_overwrite
from encoding.project.noted_files import refuse_another_page, write_page
from encoding.project.session import Session
from encoding.project.uploading.subject import parse_day, read_subject
from schemas.shared.command_line import FILE, emit, json_option

if TYPE_CHECKING:
    from encoding.quality import Report


@click.command(
    "check",
    short_help="Report on the quality of a file before it is encoded.",
    epilog="Example: blindlink check children.csv --html check.html",
)
@subject_options
@click.option("--as-of", help="The day that the file describes: today, or 2026-01-31.")
@click.option("--html", type=FILE, help="Also write the report as a page, to look at or to print.")
@click.option(
    "--duplicates",
    type=FILE,
    help="List pairs of your records that are probably one person, by record ID.",
)
@click.option(
    "--shareable", is_flag=True, help="Leave out counts under 10, to show the report to others."
)
@click.option("--accept", is_flag=True, help="Accept what was found: the file is right as it is.")
@json_option
@click.pass_obj
def check(
    session: Session,
    /,
    *,
    as_of: str | None,
    html: Path | None,
    duplicates: Path | None,
    shareable: bool,
    accept: bool,
    **given: Any,
) -> None:
    """Report what is missing, unreadable, doubtful or changed in FILE (or in the file of your settings).

    Numbers only, never a name or a date of a person, and nothing leaves this computer. Ends with exit code 3
    if the file should not be encoded as it is. The list of duplicates has record IDs and names of fields.
    """
    from encoding.project.uploading.file_check import checked, refuse_stops
    from encoding.quality.duplicates import LIST_START
    from encoding.quality.page import report_lines, report_page

    if html is not None:
        refuse_another_page(html)
    if duplicates is not None:
        refuse_to_overwrite(duplicates, own_start=LIST_START)
    subject = read_subject(session, given)
    day = parse_day(as_of, session, "--as-of")
    as_of_day = date.fromisoformat(day) if day else None
    report = checked(session, subject, as_of_day, accept=accept, duplicates=duplicates)
    accepted = report.stops if accept else ()
    if accept:
        report = report.accepted()
    if html is not None:
        write_page(html, report_page(report, subject.file.path.name, shareable=shareable))
        session.say(f"the report is in {html}")
    emit(_document(report, shareable=shareable), report_lines(report, shareable=shareable))
    _tell_attacks(session)
    for one in accepted:
        until = "until it becomes a quarter worse" if one.is_kept else "this once"
        session.say(f"accepted {until}: {one.sentence(shareable=shareable)}")
    refuse_stops(report, shareable=shareable)


def _tell_attacks(session: Session) -> None:
    """Say what attacks on the encoded file found, or how to find it out before an agreement is drafted."""
    from encoding.project.uploading.file_audit import audit_sentences

    told = list(audit_sentences(session, None)) if session.config_path.exists() else []
    for sentence in told:
        session.say(sentence)
    if not told:
        session.say(
            "what attacks on the encoded file find is not known yet; before an agreement is drafted:"
            " blindlink privacy-audit"
        )


def _document(report: Report, *, shareable: bool) -> dict[str, object]:
    return {
        "may_be_encoded": not report.stops,
        "findings": [
            {
                "rule": finding.rule,
                "column": finding.column,
                "standing": finding.standing,
                "sentence": finding.sentence(shareable=shareable),
            }
            for finding in report.findings
        ],
        "counts": report.document(shareable=shareable),
        "former_rows": report.former_rows,
        "digest": report.digest(),
    }
