"""`blindlink-audit verify`: a log from its first entry to its last, and whether several readers saw one log."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.auditor.files import starts_with
from app.auditor.forks import ForkBook
from app.auditor.options import (
    EXIT_CODES,
    OUTPUT,
    LogOptions,
    failures,
    log_options,
    require_broker_for,
    verified,
)
from app.auditor.proofs import check_proof
from app.auditor.source import bundle_url, is_url, save_bundle
from app.auditor.verdict_words import verdict_lines
from schemas.matchlog.proof import PROOF_START
from schemas.shared.command_line import emit
from schemas.shared.progress_bar import working

if TYPE_CHECKING:
    from schemas.matchlog.entry import Entry


def _fingerprints(
    _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Return each as the log has it, from the groups in which it is printed."""
    read = tuple("".join(text.split()).lower() for text in given)
    if any(not re.fullmatch(r"[0-9a-f]{64}", one) for one in read):
        raise click.BadParameter("it has 64 characters, 0 to 9 and a to f")
    return read


@click.command(epilog=EXIT_CODES)
@click.argument("bundles", metavar="BUNDLE|URL...", nargs=-1, required=True)
@click.option(
    "--agreement",
    "agreements",
    metavar="FINGERPRINT",
    multiple=True,
    callback=_fingerprints,
    help="Fingerprint from counsel's sheet: that agreement must have come into force in this log; repeatable.",
)
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    help="With a URL: keep the bundle in this file; it is there only if it arrived whole.",
)
def verify(*, bundles: tuple[str, ...], agreements: tuple[str, ...], output: Path | None) -> None:
    """Verify a bundle of the log: every entry, checkpoint, pin and rule.

    BUNDLE is a file, `-` for standard input, or the URL of the broker. Without a pin, a log that was cut
    off at its end, or written anew by someone who has its key, is not detectable.

    Several are compared: packs of agencies, bundles, and proofs of single entries. Two entries at one place of
    a project are proof of a fork, which the log's own key has signed. An agency that finds one keeps both
    proofs in its workspace: pins/evidence-*.tlog-proof.

    Example: blindlink-audit verify log.bundle --log-key log.key --pin county.pin

    Example: blindlink-audit verify https://broker.example.gov --project foster-pupils
    --token-file auditor.token -o log.bundle

    Example: blindlink-audit verify county.pack schools.pack --log-key log.key
    """
    given = log_options(bundle=bundles[0], agreements=agreements)
    if len(bundles) > 1:
        if output or agreements or given.pins or given.project:
            raise click.UsageError("several are held to each other, and to --log-key alone")
        with failures():
            book = _compared(bundles, given)
        emit(book.to_json(), book.lines())
        return
    require_broker_for(given.project, given.bundle)
    if output is not None and not is_url(given.bundle):
        raise click.UsageError("give -o with the URL of a broker: a bundle is kept already")
    with failures():
        if output is not None:
            given = _kept(given, output)
        verdict = verified(given)
    emit(verdict.to_json(), verdict_lines(verdict))


def _kept(given: LogOptions, output: Path) -> LogOptions:
    """Fetch the bundle into a file, which is verified in its place, and kept whatever comes out."""
    given.require_free([output])
    with working("fetching the bundle"):
        address = bundle_url(given.bundle, given.project)
        size = save_bundle(address, output, given.token_file, given.ca_file)
    click.echo(f"wrote {output}, {size:,} bytes", err=True)
    return replace(given, bundle=str(output), project=None)


def _compared(files: tuple[str, ...], given: LogOptions) -> ForkBook:
    """Verify each file, and take what it shows."""
    book, keys = ForkBook(), given.all_log_keys()
    for name in files:
        file = Path(name)
        if starts_with(file, PROOF_START):
            book.take_apart(file.name, check_proof(file, keys, ()).entry)
            continue

        def take(entry: Entry, name: str = file.name) -> None:
            book.take(name, entry)

        verified(replace(given, bundle=name, log_keys=given.log_keys[:1]), take)
    return book
