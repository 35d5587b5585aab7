"""`blindlink-audit report`: what an audit found, signed."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.auditor.errors import AuditError, LogBrokenError, MalformedError
from app.auditor.files import write_bytes
from app.auditor.findings import FindingsBook
from app.auditor.options import (
    BUNDLE,
    EXIT_CODES,
    OUTPUT,
    PASSPHRASE_FILE,
    failures,
    log_options,
    opened_key,
    require_broker_for,
    verified,
)
from app.auditor.report_document import Making, report_of, report_of_fault
from app.auditor.report_page import report_page
from app.auditor.source import SourceDigest
from app.features import FEATURES
from schemas.reports.audit_report import AuditReport, public_text, seal_page, sign_report
from schemas.shared.command_line import INPUT_FILE, emit, wants_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from schemas.matchlog.entry import Entry


@click.command(epilog=EXIT_CODES)
@BUNDLE
@click.option(
    "--incident",
    metavar="UPLOAD|KEY",
    help="Also say what this reached: an upload id, the key id of a secret, the SHA-256 of a person's key, "
    "or a key of the log.",
)
@click.option(
    "--key-file", required=True, type=INPUT_FILE, help="Your own key: blindlink-audit key --new."
)
@PASSPHRASE_FILE
@click.option("--name", help="Who you are, as the report says it.")
@click.option("-o", "--output", type=OUTPUT, help="Write the signed report as JSON.")
@click.option(
    "--html", "html_file", type=OUTPUT, help="Write it as a signed page to read and print."
)
def report(
    *,
    bundle: str,
    incident: str | None,
    key_file: Path,
    passphrase_file: Path | None,
    name: str | None,
    output: Path | None,
    html_file: Path | None,
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
    options = log_options(bundle=bundle)
    require_broker_for(options.project, bundle)
    author = None if name is None else _one_line(name)
    digest, found = SourceDigest(), FindingsBook()
    followed = None if incident is None else FEATURES.load("incidents", "book").book_of(incident)

    def take(entry: Entry) -> None:
        found.take(entry)
        if followed is not None:
            followed.take(entry)

    def making() -> Making:
        return Making(datetime.now(UTC), author, digest.sha256)

    with failures(in_json=False):
        options.require_free([output, html_file], key_file, passphrase_file)
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
