"""`blindlink calibrate`: thresholds for the agreement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from encoding.cli.options import agency_options, json_option
from encoding.cli.session import Session
from encoding.cli.subject import draw_sample, read_subject, subject_options

# Strangers are made of these records; more of them make rarer people.
_SAMPLE_RECORDS = 22_000


@click.command(
    "calibrate",
    short_help="Recommend thresholds for this file.",
    epilog="Example: blindlink calibrate --other-rows 200000 --html thresholds.html",
)
@subject_options
@click.option(
    "--other-rows",
    type=click.IntRange(min=1),
    required=True,
    help="People in the other agency's file: the more there are, the higher the thresholds.",
)
@click.option(
    "--expected-share",
    type=click.FloatRange(0.001, 1),
    default=0.5,
    show_default=True,
    help="The part of your own records that you expect in the other file.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the report as a page, with the sweep.",
)
@json_option
@agency_options
@click.pass_obj
def calibrate(
    session: Session,
    /,
    *,
    other_rows: int,
    expected_share: float,
    html: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Link a sample of FILE with a copy of itself in which mistakes were made, and with invented strangers.

    Recommends thresholds that hold when the other file has so many people. Everything happens on this computer,
    under keys that are thrown away.
    """
    from encoding.calibrate import Setting, calibrate_sample
    from encoding.calibrate.report import document, report_lines, report_page
    from encoding.report import write_page

    subject = read_subject(session, given)
    with session.progress() as progress:
        drawn = draw_sample(subject, _SAMPLE_RECORDS, "calibrate", progress)
        found = calibrate_sample(
            drawn.sample,
            subject.profile,
            Setting(drawn.n_records, other_rows, expected_share),
            columns=drawn.header_of,
            date_format=subject.date_format or "",
            progress=progress,
        )
    if html is not None:
        write_page(html, report_page(found, subject.file.path.name))
        session.say(f"the report is in {html}")
    if as_json:
        click.echo(json.dumps(document(found), indent=2))
    else:
        click.echo("\n".join(report_lines(found)))
