"""`blindlink start`: from the operator's invitation to keys, settings and a pinned match log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from encoding.project.invitations import Place, enrolled, read_invitation, settle
from encoding.project.own_keys import identity_lines
from encoding.project.session import Session
from schemas.shared.command_line import FILE
from schemas.signing.identity import Duty


@click.command("start", epilog="Example: blindlink start ann.invitation")
@click.argument("invitation", type=FILE)
@click.pass_obj
def start(session: Session, *, invitation: Path) -> None:
    """Make your keys, send the public ones, and write your settings, all from the INVITATION of the operator.

    Then call the operator and read out the fingerprint that is shown. You can repeat the command at any time:
    it goes on where it stopped, and never replaces keys or settings. With --key-file a new key file locks your
    keys, for unattended runs; the settings will name it, or the file of --passphrase-file.
    """
    invited = read_invitation(invitation)
    place = Place.of(session, invited)
    view, public = enrolled(session, place)
    settle(session, place)
    session.say(
        f"your keys are in {place.identity}, your settings in {session.config_path}; keep a copy of the first,"
        " and never send it to anyone"
    )
    if session.key_file is not None:
        session.warn(
            f"anyone who can read both {place.identity} and {session.key_file} can act as this person"
        )
    if view.state == "awaiting":
        session.say("now call the operator, and read out your ID and all twelve groups:")
    else:
        session.say(f"the broker already has your keys, and their state is: {view.state}")
    click.echo("\n".join(identity_lines(public)))
    for sentence in _next_steps(public.duties):
        session.say(sentence)


def _next_steps(duties: tuple[Duty, ...]) -> Iterator[str]:
    if "analyst" in duties:
        yield "then say where your file of people is: blindlink init"
    if "steward" in duties:
        yield "once you are confirmed, read what is agreed: blindlink agreement show"
