"""`blindlink rollback`: all recipients together go back to the link IDs of an earlier round."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.terminal.options import REASON
from encoding.project.linking.rollback import RollbackWord, roll_back
from encoding.project.session import Session
from schemas.shared.command_line import FILE, emit, json_option


@click.command(
    "rollback",
    epilog='Example: blindlink rollback 11 --reason "Round 12 had the wrong file." -o ours.json',
)
@click.argument("number", metavar="ROUND", type=click.IntRange(1))
@REASON
@click.option(
    "--with",
    "theirs",
    multiple=True,
    type=FILE,
    help="What another recipient has signed; with all of them, your ledger goes back.",
)
@click.option("--output", "-o", required=True, type=FILE, help="Where to write what you sign.")
@json_option
@click.pass_obj
def rollback(
    session: Session,
    /,
    *,
    number: int,
    reason: str,
    theirs: tuple[Path, ...],
    output: Path,
) -> None:
    """Sign that all recipients go back to an earlier round's link IDs. Once all have signed, go back.

    Each recipient signs, hands its file to the others, and gives the command once more with theirs. The others
    read your reason, so name nobody in it. It counts from the next round on, for which all must have done it:
    until then no round is stored. What an agency has unlinked stays so.
    """
    done = roll_back(session, RollbackWord(number, reason, theirs, output))
    emit(done.document(), remarks=done.remarks())
