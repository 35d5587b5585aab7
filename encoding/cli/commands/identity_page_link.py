"""`blindlink identity page-link` and `sign-on`: ways to the broker's pages for a person with keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from encoding.broker.credential import SignIn
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session, broker_of
from schemas.api.bodies import sign_in_url, sign_on_link_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from encoding.broker.client import BrokerClient
    from schemas.api.bodies import SessionLink


@click.command(
    "page-link",
    short_help="Print a link that signs you in to the broker's pages.",
    epilog="Example: blindlink identity page-link --broker https://broker.example.org",
)
@click.pass_obj
def page_link(session: Session, /) -> None:
    """Print a link that signs you in to the broker's pages; it works once, for 60 s.

    The pages are for auditors and for the operator. The session lasts for 8 hours, or until you sign out.
    """
    url, link = _link(session, lambda client: client.new_page_link())
    click.echo(sign_in_url(url, link.code))
    session.say("open it within 60 s; it works once")


@click.command(
    "sign-on",
    short_help="Print a link that links your sign-on with your keys.",
    epilog="Example: blindlink identity sign-on --broker https://broker.example.org",
)
@click.pass_obj
def sign_on(session: Session, /) -> None:
    """Print a link that links your organization's single sign-on with your keys; it works once, for 60 s.

    Open it in your browser and sign on. From then on the sign-on opens the broker's pages as you, until your
    keys change or the operator ends it. The match log notes it. Nothing can be signed with a sign-on.
    """
    url, link = _link(session, lambda client: client.new_sign_on_link())
    click.echo(sign_on_link_url(url, link.code))
    session.say("open it within 60 s, and send it to no one; it works once")


def _link(session: Session, ask: Callable[[BrokerClient], SessionLink]) -> tuple[str, SessionLink]:
    """Return the broker's address, and what it answers whoever these keys are of."""
    url, ca_file = broker_of(session)
    sign_in = SignIn(unlock_own(session), url, session.now)
    with session.connect_to(url, ca_file, sign_in) as client:
        return url, ask(client)
