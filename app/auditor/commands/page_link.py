"""`blindlink-audit page-link`: a way to the pages of the broker."""

from __future__ import annotations

import json
from pathlib import Path

import click

from app.auditor.options import (
    FILE,
    failures,
    json_option,
)
from app.auditor.page_link import new_page_link


@click.command("page-link")
@click.argument("url", metavar="URL")
@click.option("--token-file", type=FILE, required=True, help="File with your token for the broker.")
@click.option("--ca-file", type=FILE, help="Certificates to trust, and no others.")
@json_option
def page_link(*, url: str, token_file: Path, ca_file: Path | None, as_json: bool) -> None:
    """Print a link that signs you in to the pages of the broker at URL; it works once, for 60 s.

    Example: blindlink-audit page-link https://broker.example.gov --token-file auditor.token
    """
    with failures(as_json=as_json):
        link = new_page_link(url, token_file, ca_file)
    click.echo(json.dumps({"link": link, "valid_s": 60}, indent=2) if as_json else link)
    click.echo("open it within 60 s; it works once", err=True)
