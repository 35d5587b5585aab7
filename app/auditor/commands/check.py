"""`blindlink-audit check`: what a reader was handed: proofs, a certificate of destruction, a signed report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.auditor.certificates import START, CertificateBook, read_certificate, verify_alone
from app.auditor.files import starts_with, write_text
from app.auditor.options import EXIT_CODES, OUTPUT, failures, log_options, verified
from app.auditor.pins import read_pins
from app.auditor.proofs import caveats, check_proof
from app.auditor.report_check import check_report
from app.auditor.timeline import timeline_line
from schemas.documents.printable import printable
from schemas.matchlog.proof import PROOF_START
from schemas.reports.certificate_page import certificate_page
from schemas.shared.command_line import INPUT_FILE, emit, wants_json

if TYPE_CHECKING:
    from app.auditor.options import LogOptions


@click.command(epilog=EXIT_CODES)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=INPUT_FILE)
@click.option("--log", "bundle", metavar="BUNDLE|URL", help="The log to hold a certificate to.")
@click.option("--html", "html_file", type=OUTPUT, help="Write a certificate as a page to print.")
@click.option(
    "--key",
    metavar="KEY|FILE",
    help="The public key of a report's auditor, as they gave it to you.",
)
def check(
    *, files: tuple[Path, ...], bundle: str | None, html_file: Path | None, key: str | None
) -> None:
    """Check what you were handed: proofs of entries, a certificate of destruction, or a signed report.

    Proofs show that entries are in the match log, and print what they say; give --log-key. An agency writes
    them with `blindlink disclosures --proofs`: one for each disclosure that concerns a child.

    Of a certificate the signatures are verified, and that the match log vouches for it. Nobody is asked.
    Without --log the pins of the certificate's own size are compared. With it the whole log is verified, every
    object must be destroyed there, nothing that was meant may be left, and all signatures must be by keys that
    the log knows.

    A report or its page must be as the auditor signed it.

    Example: blindlink-audit check proofs/entry-12.tlog-proof --log-key log.key

    Example: blindlink-audit check crt-4f.json --log log.bundle --pin county.pin

    Example: blindlink-audit check report.html --key auditor.pub
    """
    given, file = log_options(bundle=bundle or ""), files[0]
    is_proof, is_certificate = starts_with(file, PROOF_START), starts_with(file, START)
    if len(files) > 1 and not is_proof:
        raise click.UsageError("give certificates and reports one by one")
    if (bundle or html_file) and file.exists() and not is_certificate:
        raise click.UsageError("give --log and --html with a certificate of destruction")
    if key is not None and (is_proof or is_certificate):
        raise click.UsageError("give --key with a report")
    with failures():
        if is_proof:
            _check_proofs(files, given)
        elif is_certificate:
            _check_certificate(file, given, html_file)
        else:
            _check_report(file, key)


def _check_proofs(files: tuple[Path, ...], given: LogOptions) -> None:
    keys, known = given.all_log_keys(), read_pins(given.pins)
    proved = [check_proof(file, keys, known) for file in files]
    emit([one.to_json() for one in proved], (timeline_line(one.entry) for one in proved))
    for caveat in caveats(proved, pinned=bool(known)):
        click.echo(f"not shown: {printable(caveat.text)}", err=True)


def _check_report(file: Path, key: str | None) -> None:
    checked = check_report(file, key)
    emit(checked.to_json(), checked.lines())
    if key is None and not wants_json():
        click.echo("not shown: whose key it is; compare the fingerprint with the auditor", err=True)


def _check_certificate(file: Path, given: LogOptions, html_file: Path | None) -> None:
    given.require_free([html_file], file)
    read = read_certificate(file)
    if not given.bundle:
        verdict = verify_alone(read, given.log_key(), read_pins(given.pins))
    else:
        book = CertificateBook(read)
        whole = replace(given, project=read.certificate.project)
        verdict = book.compare(verified(whole, book.take))
    if html_file is not None:
        write_text(html_file, certificate_page(read))
    emit(verdict.to_json(), verdict.lines())
    for caveat in verdict.caveats:
        click.echo(f"{caveat.label}: {caveat.text}", err=True)
