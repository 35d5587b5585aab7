"""`blindlink privacy-audit`: attack your own encodings before they are sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoding.cli.terminal.options import subject_options
from encoding.project.agreement.agreements import agreed_side, most_of_partners
from encoding.project.noted_files import refuse_another_page, write_page
from encoding.project.session import Session
from encoding.project.uploading.subject import read_subject
from schemas.linkage.row_layout import MAX_RECORDS
from schemas.shared.command_line import FILE, emit, json_option

if TYPE_CHECKING:
    from schemas.linkage.profile import Side


@click.command(
    "privacy-audit",
    short_help="Attack your own encodings before they are sent.",
    epilog="Example: blindlink privacy-audit --html audit.html",
)
@subject_options
@click.option(
    "--side",
    type=click.Choice(["larger", "smaller"]),
    help="Whether yours is the larger or the smaller file of the pair; else as the agreement says, or larger.",
)
@click.option(
    "--partner-records",
    type=click.IntRange(min=500, max=MAX_RECORDS),
    help="How many records the partner's file has, about; an upload needs an audit without this.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="Only the attacks that take seconds; an upload needs the others, too.",
)
@click.option("--html", type=FILE, help="Also write the report as a page, to read or to print.")
@json_option
@click.pass_obj
def privacy_audit(
    session: Session,
    /,
    *,
    side: Side | None,
    partner_records: int | None,
    quick: bool,
    html: Path | None,
    **given: Any,
) -> None:
    """Test the encodings of FILE (or of the file in your settings) against an outsider's attacks.

    It invents a partner's file, encodes both under keys that are thrown away, and attacks what the broker
    would have. Your project's secret is not used, and nothing leaves this computer. What lies above
    a goal is a warning. Exit code 1: the bytes have structure, which is never allowed.
    """
    from encoding.privacy_audit.page import report_page
    from encoding.privacy_audit.report import report_lines
    from encoding.privacy_audit.results import FULL, QUICK
    from encoding.project.uploading.file_audit import audited, refuse_structure

    if html is not None:
        refuse_another_page(html)
    subject = read_subject(session, given)
    scope = replace(QUICK if quick else FULL, n_partner=partner_records or 0)
    own = side or agreed_side(session)
    with session.progress() as progress:
        report = audited(
            session, subject, scope, own, progress, most_partner=most_of_partners(session, own)
        )
    if html is not None:
        write_page(html, report_page(report, subject.file.path.name))
        session.say(f"the report is in {html}")
    emit(report.document() | {"digest": report.digest()}, report_lines(report))
    refuse_structure(report)
