"""`blindlink workspace custodian`: second persons of the agency who can restore the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from encoding.cli.terminal.shown_keys import read_shown
from encoding.errors import UntrustedKeyError
from encoding.people.peers import read_fingerprint
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.workspace.keepers import Keepers, keep, read_keepers
from schemas.documents.errors import SignatureError
from schemas.shared.command_line import FILE, emit, json_option


@click.group(
    "custodian",
    short_help="Name people who can restore it when you can't.",
    epilog="Example: blindlink workspace custodian list",
)
def custodian() -> None:
    """Name other people of your agency who can restore the workspace when you can't."""


@custodian.command(
    "add",
    short_help="Make a person a custodian, by their fingerprint.",
    epilog="Example: blindlink workspace custodian add bea.json 01234 56789 ... (all twelve)",
)
@click.argument("file", type=FILE)
@click.argument("fingerprint", nargs=-1, required=True)
@click.pass_obj
def add(session: Session, /, *, file: Path, fingerprint: tuple[str, ...]) -> None:
    """Make the person of FILE a custodian, whose FINGERPRINT they have read to you.

    FILE is what their `blindlink identity show --json` prints. The next backups open with their keys, too.
    """
    written = read_fingerprint("".join(fingerprint))
    shown = read_shown(file)
    try:
        person = shown.verify()[-1]
    except SignatureError as exc:
        raise UntrustedKeyError(f"the keys in {file} are forged: {exc}") from None
    if person.fingerprint() != written:
        raise UntrustedKeyError(
            f"the keys in {file} have a different fingerprint: {person.fingerprint()}"
        )
    _change(session, lambda keepers: keepers.with_custodian(person))
    session.say(
        f"{person.person} can open the workspace and its next backups; make one:"
        " blindlink workspace backup"
    )


@custodian.command(
    "remove",
    short_help="End a person's custody; earlier backups still open.",
    epilog="Example: blindlink workspace custodian remove per-0123...",
)
@click.argument("person")
@click.pass_obj
def remove(session: Session, /, *, person: str) -> None:
    """End PERSON's custody. Earlier backups still open with their keys."""
    _change(session, lambda keepers: keepers.without_custodian(person))
    session.say(
        f"{person} is no longer a custodian; make a new backup and destroy the earlier ones"
    )


@custodian.command("list", epilog="Example: blindlink workspace custodian list --json")
@json_option
@click.pass_obj
def show(session: Session, /) -> None:
    """List who can open the workspace."""
    unlock_own(session)
    keepers = read_keepers(session.workspace)
    rows = [("owner", keepers.owner), *(("custodian", one) for one in keepers.custodians)]
    document = [
        {"part": part, "person": one.person, "fingerprint": one.fingerprint()} for part, one in rows
    ]
    lines = [f"{part:<9} {one.person}  {one.fingerprint()}" for part, one in rows]
    emit(document, [*lines, "and anyone who has the recovery code"])


def _change(session: Session, change: Any) -> Keepers:
    unlock_own(session)
    with session.workspace.lock():
        keepers: Keepers = change(read_keepers(session.workspace))
        keep(session.workspace, keepers, session.workspace.key(), session.now())
    return keepers
