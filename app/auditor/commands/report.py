"""`blindlink-audit report`: what an audit found, signed; and `report-verify`, for whoever is given one."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.auditor.errors import AuditError, LogBrokenError, MalformedError
from app.auditor.files import require_free, write_bytes
from app.auditor.findings import FindingsBook
from app.auditor.options import (
    EXIT_CODES,
    FILE,
    OUTPUT,
    PASSPHRASE_FILE,
    LogOptions,
    failures,
    force_option,
    log_options,
    opened_key,
    require_broker_for,
    verified,
)
from app.auditor.report_check import check_report
from app.auditor.report_document import Making, report_of, report_of_fault
from app.auditor.report_page import report_page
from app.auditor.source import SourceDigest
from app.features import FEATURES
from schemas.reports.audit_report import AuditReport, public_text, seal_page, sign_report
from schemas.shared.command_line import emit, json_option, wants_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from schemas.matchlog.entry import Entry


@click.command(epilog=EXIT_CODES)
@log_options
@click.option("--project", help="With a URL: this project's view of the log.")
@click.option(
    "--incident",
    metavar="UPLOAD|KEY",
    help="Also say what this reached: an upload id, the key id of a secret, the SHA-256 of a person's key, "
    "or a key of the log.",
)
@click.option("--key-file", required=True, type=FILE, help="Your own key: blindlink-audit key new.")
@PASSPHRASE_FILE
@click.option("--name", help="Who you are, as the report says it.")
@click.option("-o", "--output", type=OUTPUT, help="Write the signed report as JSON.")
@click.option(
    "--html", "html_file", type=OUTPUT, help="Write it as a signed page to read and print."
)
@force_option
@json_option
def report(
    *,
    incident: str | None,
    key_file: Path,
    passphrase_file: Path | None,
    name: str | None,
    output: Path | None,
    html_file: Path | None,
    force: bool,
    **given: Any,
) -> None:
    """Verify the log and write a report on it, signed with your own key.

    The report opens with what it proves and what it does not. A log that does not verify gets a report, too,
    which says where it fails; the status is 1 then.

    Example: blindlink-audit report log.bundle --log-key log.key --pin county.pin --key-file auditor.key
    --name "State Office of Audits" -o report.json --html report.html

    Example: blindlink-audit report log.bundle --key-file auditor.key --incident 0123456789abcdef
    --html incident.html
    """
    if output is None and html_file is None and not wants_json():
        raise click.UsageError("say where the report goes: -o, --html or --json")
    require_broker_for(given["project"], given["bundle"])
    author = None if name is None else _one_line(name)
    digest, found = SourceDigest(), FindingsBook()
    followed = None if incident is None else FEATURES.load("incidents", "book").book_of(incident)

    def take(entry: Entry) -> None:
        found.take(entry)
        if followed is not None:
            followed.take(entry)

    def making() -> Making:
        return Making(datetime.now(UTC), author, digest.sha256)

    options = LogOptions(**given)
    with failures(in_json=False):
        mine = [key_file, passphrase_file]
        require_free([output, html_file], read=[*mine, *options.read()], force=force)
        key = opened_key(key_file, passphrase_file)
        fault: AuditError | None = None
        try:
            verdict = verified(options, take, digest=digest)
            made = report_of(making(), verdict, found, followed.incident() if followed else None)
        except (LogBrokenError, MalformedError) as exc:
            # A file that could not even be opened is no finding about a log.
            if not digest.sha256:
                raise
            made, fault = report_of_fault(making(), exc), exc
        _write(made, key, output, html_file)
        if fault is not None:
            raise fault
    _say(made)


@click.command(
    "report-verify", epilog="Exit status: 0 it is as signed, 1 it is not, 2 usage, 3 unreadable."
)
@click.argument("file", metavar="FILE", type=FILE)
@click.option("--key", metavar="KEY|FILE", help="The auditor's public key, as they gave it to you.")
@json_option
def report_verify(file: Path, key: str | None) -> None:
    """Check that a report or its page is as the auditor signed it.

    Example: blindlink-audit report-verify report.html --key auditor.pub
    """
    with failures():
        checked = check_report(file, key)
    emit(checked.to_json(), checked.lines())
    if key is None and not wants_json():
        click.echo("not shown: whose key it is; compare the fingerprint with the auditor", err=True)


def _one_line(name: str) -> str:
    text = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(text) <= 200 or not text.isprintable():
        raise click.BadParameter("it is one line of 1 to 200 characters", param_hint="--name")
    return text


def _write(
    made: AuditReport,
    key: Ed25519PrivateKey,
    output: Path | None,
    html_file: Path | None,
) -> None:
    signed = sign_report(made, key)
    if output is not None:
        write_bytes(output, signed.to_canonical())
    if html_file is not None:
        page = report_page(made, public_text(key)).encode("utf-8")
        write_bytes(html_file, seal_page(page, made, key))
    emit(signed.to_json())


def _say(made: AuditReport) -> None:
    if made.log is not None:
        click.echo(f"verified {made.log.size:,} entries of {made.log.origin}", err=True)
    if made.incident is not None:
        for line in FEATURES.load("incidents", "page").incident_lines(made.incident):
            click.echo(line, err=True)
    for sentence in made.proves_not:
        click.echo(f"not shown: {sentence}", err=True)
