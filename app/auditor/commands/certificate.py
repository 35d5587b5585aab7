"""`blindlink-audit certificate`: certificates of destruction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from app.auditor.certificates import CertificateBook, read_certificate, verify_alone
from app.auditor.files import require_free, write_text
from app.auditor.keys import read_log_key
from app.auditor.options import (
    FILE,
    OUTPUT,
    LogOptions,
    broker_options,
    failures,
    force_option,
    pin_options,
    verified,
)
from app.auditor.pins import read_pins
from schemas.reports.certificate_page import certificate_page
from schemas.shared.command_line import emit, json_option

EXIT_CODES = (
    "Exit status: 0 done and verified, 1 the certificate or the log does not verify, 2 usage, 3 a certificate, "
    "bundle, pin or other file cannot be read or written, 4 not authorised or the broker's certificate not "
    "trusted, 5 the broker cannot be reached."
)


@click.group()
def certificate() -> None:
    """Check certificates of destruction."""


@certificate.command(
    "verify", short_help="Verify a certificate of destruction against the log.", epilog=EXIT_CODES
)
@click.argument("file", type=FILE)
@click.option("--log", "bundle", metavar="BUNDLE|URL", help="The log to hold the certificate to.")
@pin_options
@broker_options
@click.option("--html", "html_file", type=OUTPUT, help="Write the certificate as a page to print.")
@force_option
@json_option
def verify(
    *,
    file: Path,
    bundle: str | None,
    html_file: Path | None,
    force: bool,
    **given: Any,
) -> None:
    """Verify a certificate of destruction: its signatures, and that the match log vouches for it.

    FILE is the certificate as an agency or the operator keeps it. Nobody is asked. Without --log the pins of
    the certificate's own size are compared. With it the whole log is verified, every object must be destroyed
    there, nothing that was meant may be left, and whoever signed must have used the keys that the log knows.

    Example: blindlink-audit certificate verify crt-4f.json --log log.bundle --pin county.pin
    """
    with failures():
        options = LogOptions(bundle or "", **given)
        require_free([html_file], read=[file, *options.read()], force=force)
        read = read_certificate(file)
        if bundle is None:
            log_key = None if given["log_key"] is None else read_log_key(given["log_key"])
            verdict = verify_alone(read, log_key, read_pins(given["pins"]))
        else:
            book = CertificateBook(read)
            options = replace(options, project=read.certificate.project)
            verdict = book.compare(verified(options, book.take))
        if html_file is not None:
            write_text(html_file, certificate_page(read))
    emit(verdict.to_json(), verdict.lines())
    for caveat in verdict.caveats:
        click.echo(f"{caveat.label}: {caveat.text}", err=True)
