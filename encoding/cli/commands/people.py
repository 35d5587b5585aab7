"""`blindlink people`: make a person's own keys, show their fingerprint, and use them at the broker."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import get_args

import click

from encoding.cli.commands.people_enrol import enrol, rotate
from encoding.cli.commands.people_list import change, list_all
from encoding.cli.commands.people_sign_in import sign_in
from encoding.cli.commands.people_trust import trust
from encoding.errors import IdentityError, IdentityExistsError
from encoding.people.identity import new_identity, read_identity, write_identity
from encoding.people.key_rotation import relock, replaced_files
from encoding.project.own_keys import (
    identity_lines,
    new_unlocking,
    own_path,
    unlock_own,
    unlocking_of,
)
from encoding.project.session import Session
from schemas.shared.command_line import FILE, emit, json_option
from schemas.signing.identity import Duty, duty_apart


@click.group("people", epilog="Example: blindlink people list")
def people() -> None:
    """Show who takes part, compare fingerprints, change who acts for your party, and keep your own keys."""


for command in (list_all, change, trust, enrol, rotate, sign_in):
    people.add_command(command)


@people.command(
    "new",
    short_help="Make your keys, in a file that only you can open.",
    epilog="Example: blindlink people new child-welfare --duty analyst",
)
@click.argument("party")
@click.option(
    "--duty",
    "duties",
    multiple=True,
    required=True,
    type=click.Choice(get_args(Duty)),
    help="What you do for PARTY; give it once for each duty.",
)
@click.pass_obj
def new(session: Session, party: str, duties: tuple[Duty, ...]) -> None:
    """Make your keys as a person of PARTY, and write them into a file that only you can open.

    It is identity.txt, or the file of --identity; an existing file is never overwritten. With --key-file a new
    key file locks it, for unattended runs.
    """
    apart = duty_apart(duties)
    if apart is not None:
        raise click.UsageError(
            f"the duty {apart} can be combined only with the duty steward: make keys for two persons"
        )
    path = own_path(session)
    made = new_identity(party, duties, session.now())
    # Before a passphrase is asked for, or a key file written, in vain.
    if path.exists():
        raise IdentityExistsError(
            f"{path} exists and is not overwritten", hint="what is sealed to its keys would be lost"
        )
    write_identity(path, made, new_unlocking(session.passphrase_file, session.key_file))
    session.say(f"your keys are in {path}; keep a copy of it, and never send it to anyone")
    if session.key_file is not None:
        session.warn(
            f"anyone who can read both {path} and {session.key_file} can act as this person"
        )
    click.echo("\n".join(identity_lines(made.public)))


@people.command(
    "me",
    short_help="Show your own ID and fingerprint.",
    epilog="Example: blindlink people me --json",
)
@json_option
@click.pass_obj
def me(session: Session) -> None:
    """Show your ID and the fingerprint of your keys; you need no passphrase.

    Read all twelve groups to someone who knows your voice.
    """
    signed = read_identity(own_path(session)).signed
    document = {"fingerprint": signed.identity.fingerprint(), **signed.to_json()}
    emit(document, identity_lines(signed.identity))


@people.command(
    "passphrase",
    short_help="Choose another passphrase; your keys stay.",
    epilog="Example: blindlink people passphrase",
)
@click.option(
    "--new-passphrase-file",
    type=FILE,
    help="Read the new passphrase from this file instead of asking.",
)
@click.pass_obj
def passphrase(session: Session, /, *, new_passphrase_file: Path | None) -> None:
    """Choose another passphrase for your keys; the keys themselves stay.

    Copies of the file from before still open with the former passphrase: replace them. If someone else may
    have file and passphrase, tell the operator instead.
    """
    path = own_path(session)
    own = unlock_own(session)
    unlocking = unlocking_of(session)
    asked = "New passphrase for your keys"
    new = new_unlocking(new_passphrase_file, None, asked)
    # First, so that the same command goes on where one was killed.
    for former in replaced_files(path):
        with suppress(IdentityError):
            relock(former, read_identity(former).unlock(unlocking), new)
    relock(path, own, new)
    session.say(f"{path} opens with the new passphrase; replace your copies of it")
