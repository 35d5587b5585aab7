"""`blindlink calibrate`: which passes suit the file, and what a linkage by them would find."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoding.cli.terminal.options import subject_options
from encoding.project.noted_files import refuse_another_page, write_page
from encoding.project.session import Session
from encoding.project.uploading.subject import Subject, draw_sample, read_subject
from schemas.linkage.privacy_audit import SMALLEST_AUDITED_FILE
from schemas.linkage.row_layout import MAX_RECORDS
from schemas.shared.command_line import FILE, emit, json_option

if TYPE_CHECKING:
    from encoding.progress import Progress
    from encoding.quality.duplicates import DuplicatePair
    from schemas.linkage.profile import Side

# Strangers are made of these records; more of them have rarer names.
_SAMPLE_RECORDS = 20_000
# As large as an audit rehearses a partner's file.
_MOST_PARTNER = 200_000


@click.command(
    "calibrate",
    short_help="Recommend passes, and predict what they find.",
    epilog="Example: blindlink calibrate --partner-records 200000 --html passes.html",
)
@subject_options
@click.option(
    "--partner-records",
    type=click.IntRange(min=1, max=MAX_RECORDS),
    required=True,
    help="People in the other agency's file.",
)
@click.option(
    "--expected-share",
    type=click.FloatRange(0.001, 1),
    default=0.5,
    show_default=True,
    help="The part of the smaller file that you expect in the other.",
)
@click.option(
    "--errors",
    type=click.Choice(("light", "medium", "heavy", "estimated")),
    default="medium",
    show_default=True,
    help="How untidy the files are; estimated: from people who are in your file twice.",
)
@click.option("--html", type=FILE, help="Also write the report as a page, to look at or to print.")
@json_option
@click.pass_obj
def calibrate(
    session: Session,
    /,
    *,
    partner_records: int,
    expected_share: float,
    errors: str,
    html: Path | None,
    **given: Any,
) -> None:
    """Copy records of FILE with mistakes, invent strangers, and see which would meet and be linked.

    It compares the shipped sets of passes, with ZIP codes and without, and recommends one. Then it attacks the
    encoded file as privacy-audit does, so that the risks are known before an agreement is drafted. Nothing
    leaves this computer, and the secret is not used; the report has shares and rates, and no record.
    """
    from encoding.calibrate import ESTIMATED, Setting
    from encoding.calibrate import calibrate as predict
    from encoding.calibrate.report import document, report_lines, report_page
    from encoding.privacy_audit.report import report_lines as audit_lines
    from encoding.privacy_audit.results import FULL
    from encoding.project.uploading.file_audit import audited

    if html is not None:
        refuse_another_page(html)
    subject = read_subject(session, given)
    with session.progress() as progress:
        drawn = draw_sample(subject, _SAMPLE_RECORDS, "calibrate", progress)
        found = predict(
            drawn.sample,
            subject.profile,
            Setting(drawn.n_records, partner_records, expected_share),
            errors,
            columns=drawn.header_of,
            date_format=subject.date_format or "",
            duplicates=_duplicates(session, subject, progress) if errors == ESTIMATED else (),
            progress=progress,
        )
        # Of both files as large as they were said to be: so no upload can state it.
        size = min(max(partner_records, SMALLEST_AUDITED_FILE), _MOST_PARTNER)
        scope = replace(FULL, n_partner=size)
        side: Side = "larger" if drawn.n_records > partner_records else "smaller"
        attacked = audited(session, subject, scope, side, progress)
    if html is not None:
        write_page(html, report_page(found, subject.file.path.name))
        session.say(f"the report is in {html}")
    told = {outcome.name: outcome.sentence for outcome in attacked.outcomes}
    emit(document(found) | {"privacy_audit": told}, (*report_lines(found), *audit_lines(attacked)))


def _duplicates(
    session: Session, subject: Subject, progress: Progress
) -> tuple[DuplicatePair, ...]:
    """Return the pairs of records that are probably one person, as `check` finds them."""
    from encoding.quality import Ask, count_file

    ask = Ask(
        subject.profile,
        subject.file,
        subject.columns,
        subject.date_format,
        session.now().date(),
    )
    return count_file(ask, progress).duplicates
