"""`blindlink-audit page-link`: a way to the pages of the broker."""

from __future__ import annotations

from pathlib import Path

import click

from app.auditor.options import FILE, failures
from app.auditor.page_link import new_page_link
from schemas.shared.command_line import emit, json_option


@click.command("page-link")
@click.argument("url", metavar="URL")
@click.option("--token-file", type=FILE, required=True, help="File with your token for the broker.")
@click.option("--ca-file", type=FILE, help="Certificates to trust, and no others.")
@json_option
def page_link(*, url: str, token_file: Path, ca_file: Path | None) -> None:
    """Print a link that signs you in to the pages of the broker at URL; it works once, for 60 s.

    Example: blindlink-audit page-link https://broker.example.gov --token-file auditor.token
    """
    with failures():
        link = new_page_link(url, token_file, ca_file)
    emit({"link": link, "valid_s": 60}, [link])
    click.echo("open it within 60 s; it works once", err=True)
