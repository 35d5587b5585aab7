"""`blindlink unlink`: a link that is wrong, or that somebody disputes, holds no more."""

from __future__ import annotations

import click

from encoding.cli.terminal.options import REASON_OR_LIST
from encoding.project.session import Session
from schemas.shared.command_line import emit, json_option


@click.command(
    "unlink", epilog='Example: blindlink unlink 4711 --reason "The parents say that it is not him."'
)
@click.argument("record", required=False)
@REASON_OR_LIST
@click.option("--list", "lists", is_flag=True, help="List what was unlinked and linked again.")
@json_option
@click.pass_obj
def unlink(session: Session, /, record: str | None, *, reason: str | None, lists: bool) -> None:
    """Retire the link ID of one of your records, by its own number; - reads the number from standard input.

    Your record and the other agencies' of this link ID stay apart in every later round, and no other record
    gets it. The others hear of it with your next claims, but not why: your name, the day and the reason stay in
    this workspace. Only your agency can undo it: blindlink relink.
    """
    from encoding.project.linking.unlinks import RecordWord, register_lines, speak_own

    if lists:
        if record is not None or reason is not None:
            raise click.UsageError("give --list without a record or a reason")
        register = register_lines(session)
        emit(register.document(), register.lines())
        return
    if record is None or reason is None:
        raise click.UsageError("name the record, and say why with --reason; or give --list")
    link = speak_own(session, RecordWord.typed("unlink", record, reason))
    remarks = (
        "the link ID is retired; the other agencies hear of it in the next round",
        "to take it out of links.csv, type: blindlink links",
    )
    emit({"link_id": link.hex()}, remarks=remarks)
