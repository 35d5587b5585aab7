"""`blindlink people sign-in`: ways to the broker's pages and to its API for a person with keys."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.broker.credential import SignIn
from encoding.files import refuse_to_overwrite, write_durably
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session, broker_of
from schemas.api.bodies import sign_in_url, sign_on_link_url
from schemas.shared.command_line import FILE


@click.command(
    "sign-in",
    short_help="Print a link to the broker's pages, or write a token.",
    epilog="Example: blindlink people sign-in --broker https://broker.example.org",
)
@click.option(
    "--sign-on",
    is_flag=True,
    help="Print a link that links your organization's single sign-on with your keys instead.",
)
@click.option(
    "--token",
    "token_file",
    type=FILE,
    help="Write a token of 10 minutes into this file instead, for a program that has no keys of its own.",
)
@click.pass_obj
def sign_in(session: Session, *, sign_on: bool, token_file: Path | None) -> None:
    """Print a link that signs you in to the broker's pages; it works once, for 60 s.

    The pages are for auditors and for the operator. The session lasts for 8 hours, or until you sign out.

    With --sign-on: open the link in your browser and sign on. From then on the sign-on opens the broker's pages
    as you, until your keys change or the operator ends it. The match log notes it. Nothing can be signed with a
    sign-on. With --token: anyone who reads the file can act as you until the token ends. `blindlink` itself
    needs no token.
    """
    if sign_on and token_file is not None:
        raise click.UsageError("give either --sign-on or --token")
    if token_file is not None:
        _write_token(session, token_file)
        return
    url, ca_file = broker_of(session)
    credential = SignIn(unlock_own(session), url, session.now)
    with session.connect_to(url, ca_file, credential) as client:
        if sign_on:
            click.echo(sign_on_link_url(url, client.new_sign_on_link().code))
            session.say("open it within 60 s, and send it to no one; it works once")
        else:
            click.echo(sign_in_url(url, client.new_page_link().code))
            session.say("open it within 60 s; it works once")


def _write_token(session: Session, out: Path) -> None:
    """Write a token into a file, owner-only; an old one is replaced."""
    refuse_to_overwrite(out, own_start=b"bl_")
    url, ca_file = broker_of(session)
    credential = SignIn(unlock_own(session), url, session.now)
    connection = session.connection_to(url, ca_file, credential)
    try:
        answer = credential.unbound_token(connection.post)
    finally:
        connection.close()
    write_durably(out, f"{answer.access_token}\n".encode("ascii"))
    session.say(f"{out} holds a token for the next {answer.expires_in // 60} minutes")
