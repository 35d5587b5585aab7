"""`blindlink-audit fetch`: a bundle of the log, to keep."""

from __future__ import annotations

from pathlib import Path

import click

from app.auditor.files import require_free
from app.auditor.options import (
    EXIT_CODES,
    OUTPUT,
    broker_options,
    failures,
    force_option,
    require_broker_for,
)
from app.auditor.source import bundle_url, save_bundle
from schemas.shared.command_line import emit, json_option
from schemas.shared.progress_bar import working


@click.command("fetch", epilog=EXIT_CODES)
@click.argument("url", metavar="URL")
@click.option("--project", help="Only this project's entries; the rest as bare hashes.")
@broker_options
@click.option(
    "-o",
    "--output",
    required=True,
    type=OUTPUT,
    help="The bundle to write; it is there only if it arrived whole.",
)
@force_option
@json_option
def fetch(
    *,
    url: str,
    project: str | None,
    token_file: Path | None,
    ca_file: Path | None,
    output: Path,
    force: bool,
) -> None:
    """Fetch a bundle of the log from the broker at URL, to keep and to verify later without it.

    Example: blindlink-audit fetch https://broker.example.gov --project foster-pupils
    --token-file auditor.token -o log.bundle
    """
    if "://" in url:
        require_broker_for(project, url)
    with failures():
        require_free([output], read=[token_file, ca_file], force=force)
        with working("fetching the bundle"):
            size = save_bundle(bundle_url(url, project), output, token_file, ca_file)
    emit({"file": str(output), "size_bytes": size})
    click.echo(f"wrote {output}, {size:,} bytes; check it with: blindlink-audit verify", err=True)
