"""`blindlink unlink`: a link that is wrong, or that someone disputes, holds no more."""

from __future__ import annotations

import click

from encoding.cli.terminal.options import REASON_OR_LIST
from encoding.project.session import Session
from schemas.shared.command_line import emit, json_option


@click.command(
    "unlink",
    epilog='Example: blindlink unlink --record 4711 --reason "The parents say that it is not him."',
)
@click.option(
    "--record", metavar="ID", help="The record's ID in your file; - reads it from standard input."
)
@REASON_OR_LIST
@click.option("--undo", is_flag=True, help="Link a record again that your agency has unlinked.")
@click.option(
    "--link-id", help="With --undo: which of its link IDs, if more than one of it was unlinked."
)
@click.option("--list", "lists", is_flag=True, help="List what was unlinked and linked again.")
@json_option
@click.pass_obj
def unlink(
    session: Session,
    *,
    record: str | None,
    reason: str | None,
    undo: bool,
    link_id: str | None,
    lists: bool,
) -> None:
    """Retire the link ID of one of your records.

    Your record and the other agencies' of this link ID stay apart in every later round, and no other record
    gets it. The others hear of it with your next claims, but not why: your name, the day and the reason stay in
    this workspace.

    Only your agency can undo it. In the next round the record has its link ID again, unless it got another one
    meanwhile; the other agencies' records get it back with your next claims.
    """
    from encoding.project.linking.unlinks import RecordWord, register_lines, speak_own

    if lists:
        if record is not None or reason is not None or undo:
            raise click.UsageError("give --list alone")
        register = register_lines(session)
        emit(register.document(), register.lines())
        return
    if record is None or reason is None or (link_id is not None and not undo):
        raise click.UsageError("name the record, and say why with --reason; or give --list")
    if undo:
        link = speak_own(session, RecordWord.typed("relink", record, reason, link_id))
        remarks = [
            "the link ID is in force again from the next round on; the other agencies are told then"
        ]
    else:
        link = speak_own(session, RecordWord.typed("unlink", record, reason))
        remarks = [
            "the link ID is retired; the other agencies hear of it in the next round",
            "to take it out of links.csv, type: blindlink links",
        ]
    emit({"link_id": link.hex()}, remarks=remarks)
