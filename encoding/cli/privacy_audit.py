"""`blindlink privacy-audit`: attack your own encodings before they are sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from encoding.cli.options import agency_options, json_option
from encoding.cli.session import Session
from encoding.cli.subject import read_subject, subject_options


@click.command(
    "privacy-audit",
    short_help="Attack your own encodings before they are sent.",
    epilog="Example: blindlink privacy-audit --html audit.html",
)
@subject_options
@click.option("--quick", is_flag=True, help="Only the attacks that take seconds.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the report as a page, to look at or to print.",
)
@json_option
@agency_options
@click.pass_obj
def privacy_audit(
    session: Session, /, *, quick: bool, html: Path | None, as_json: bool, **given: Any
) -> None:
    """Try to find out people from the encodings of FILE (or of the file of the settings), as an attacker would.

    The attacks are made on a sample, under keys that are thrown away; the secret of the project is not used and
    nothing leaves this computer. Ends with exit code 1 if more was found than is allowed. Every encoding
    profile of this version fails: the hardening eld1 is broken.
    """
    from encoding.cli.auditing import audited, refuse_missed
    from encoding.privacy_audit.audit import QUICK, AuditScope
    from encoding.privacy_audit.page import report_page
    from encoding.privacy_audit.report import report_lines
    from encoding.report import write_page

    subject = read_subject(session, given)
    report = audited(session, subject, QUICK if quick else AuditScope())
    if html is not None:
        write_page(html, report_page(report, subject.file.path.name))
        session.say(f"the report is in {html}")
    if as_json:
        document = report.document() | {"digest": report.digest()}
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo("\n".join(report_lines(report)))
    refuse_missed(report)
