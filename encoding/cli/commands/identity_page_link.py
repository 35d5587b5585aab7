"""`blindlink identity page-link`: a way to the broker's pages for a person with keys of their own."""

from __future__ import annotations

from typing import Any

import click

from encoding.broker.credential import SignIn
from encoding.cli.parts.broker_options import broker_of, broker_options
from encoding.cli.parts.options import agency_options
from encoding.cli.parts.own_identity import identity_options, unlock_own
from encoding.cli.parts.session import Session
from schemas.api import sign_in_url


@click.command(
    "page-link",
    short_help="Print a link that signs you in to the broker's pages.",
    epilog="Example: blindlink identity page-link --broker https://broker.example.org",
)
@broker_options
@identity_options
@agency_options
@click.pass_obj
def page_link(session: Session, /, **given: Any) -> None:
    """Print a link that signs you in to the broker's pages; it works once, for 60 s.

    The pages are for auditors and for the operator. The session lasts for 8 hours, or until you sign out.
    """
    url, ca_file = broker_of(session, given)
    sign_in = SignIn(unlock_own(session, given), url, session.now)
    with session.connect_to(url, ca_file, sign_in) as client:
        link = client.new_page_link()
    click.echo(sign_in_url(url, link.code))
    session.say("open it within 60 s; it works once")
