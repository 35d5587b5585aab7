"""`blindlink identity sheet`: whose keys act in a project, to compare with each person once."""

from __future__ import annotations

import click

from encoding.project.agreement.seats import seat
from encoding.project.own_keys import identity_lines, identity_row
from encoding.project.session import Session
from schemas.shared.command_line import emit, json_option


@click.command(
    "sheet",
    short_help="Print the project's confirmed people, with fingerprints.",
    epilog="Example: blindlink identity sheet > sheet.txt",
)
@json_option
@click.pass_obj
def sheet(session: Session, /) -> None:
    """Print the people whom the operator has confirmed for the project, with their fingerprints.

    Print the list on paper, call each person on a number that you know, and tick those whose twelve groups
    match. Then draft or sign the agreement, or keep a fingerprint with: blindlink identity trust
    """
    with seat(session) as at:
        trusted = {peer.fingerprint for peer in at.peers().peers}
        shown = [history.newest() for history in at.client.identities(at.project).identities]
    rows = [
        {
            **identity_row(one),
            "trusted": one.fingerprint() in trusted or one.person == at.own.public.person,
        }
        for one in shown
    ]
    lines = []
    for one, row in zip(shown, rows, strict=True):
        lines.append("[x] compared here" if row["trusted"] else "[ ]")
        lines.extend([*(f"    {line}" for line in identity_lines(one)), ""])
    emit(rows, lines)
