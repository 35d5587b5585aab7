"""`blindlink people trust`: keep the fingerprint of someone of another agency, once it was compared."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.terminal.shown_keys import read_shown
from encoding.errors import UntrustedKeyError
from encoding.people.peers import read_fingerprints, read_peers, write_peers
from encoding.project.session import Session
from schemas.documents.ids import is_name
from schemas.shared.command_line import FILE


@click.command(
    "trust",
    short_help="Trust the keys of a party by their fingerprints.",
    epilog="Example: blindlink people trust schools 01234 56789 ... (all twelve groups)",
)
@click.argument("party")
@click.argument("fingerprint", nargs=-1, required=True)
@click.option(
    "--file",
    "file",
    type=FILE,
    help="Their keys, as their `blindlink people me --json` prints them; else the broker shows them.",
)
@click.option("--also", is_flag=True, help="Keep trusting the other people of PARTY.")
@click.pass_obj
def trust(
    session: Session, party: str, fingerprint: tuple[str, ...], file: Path | None, *, also: bool
) -> None:
    """Trust the keys of PARTY with this FINGERPRINT, or several, as their owners read them to you.

    Take it from a person whose voice or face you know, never from the broker or a file alone. These keys
    replace those of PARTY that you trusted before. Without a settings file, that is kept in the workspace of
    the folder where you signed an agreement before.
    """
    if not is_name(party):
        raise click.BadParameter("not the name of a party", param_hint="PARTY")
    written = read_fingerprints("".join(fingerprint))
    if file is not None and len(written) > 1:
        raise click.UsageError("a file shows the keys of one person: give one fingerprint with it")
    workspace = session.signing_workspace
    with workspace.lock():
        trusted = read_peers(workspace.peers)
        for place, one in enumerate(written):
            trusted = trusted.trust(party, one, session.now(), keep_others=also or place > 0)
        if file is not None:
            shown = read_shown(file)
            trusted = trusted.meet([shown])
            if all(peer.history != shown for peer in trusted.of(party)):
                raise UntrustedKeyError(
                    f"the keys in {file} have a different fingerprint:"
                    f" {shown.newest().fingerprint()}, of {shown.newest().party}"
                )
        write_peers(workspace.peers, trusted)
    for one in written:
        session.say(f"the keys of {party} with this fingerprint are trusted now: {one}")
