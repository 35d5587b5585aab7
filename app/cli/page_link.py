"""`blindlink-broker page-link`."""

from __future__ import annotations

import click

from app.cli.opening import local_operator, opened_broker
from schemas.api.bodies import sign_in_url


@click.command("page-link", short_help="Print a link that signs you in to the pages.")
@click.option(
    "--url",
    help="The broker's address, as your browser reaches it; that of the settings if not given.",
)
@click.pass_context
def page_link(ctx: click.Context, url: str | None) -> None:
    """Print a link that signs the operator in to the pages; it works once, for 60 s.

    The session lasts for 8 hours, and the match log says that it was granted. Auditors make their own links
    with `blindlink-audit page-link`.

    Example: blindlink-broker page-link
    """
    from app.agencies.service import new_operator_link

    with opened_broker(ctx) as broker:
        operator = local_operator(broker)
        with broker.database.write() as session:
            link = new_operator_link(
                session, broker.log, operator=operator, now=broker.machine_clock()
            )
        address = url or broker.settings.address
    click.echo(sign_in_url(address, link.code))
    click.echo("open it within 60 s; it works once", err=True)
