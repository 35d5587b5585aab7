"""`blindlink-audit page-link`: a way to the pages of the broker."""

from __future__ import annotations

import click

from app.auditor.options import failures, log_options
from app.auditor.page_link import new_page_link
from schemas.shared.command_line import emit


@click.command("page-link")
@click.argument("url", metavar="URL")
def page_link(url: str) -> None:
    """Print a link that signs you in to the pages of the broker at URL; it works once, for 60 s.

    Example: blindlink-audit page-link https://broker.example.gov --token-file auditor.token
    """
    given = log_options()
    if given.token_file is None:
        raise click.UsageError("give the file with your token: --token-file")
    with failures():
        link = new_page_link(url, given.token_file, given.ca_file)
    emit({"link": link, "valid_s": 60}, [link])
    click.echo("open it within 60 s; it works once", err=True)
