"""`blindlink relink`: an unlink of one's own agency is undone."""

from __future__ import annotations

import click

from encoding.cli.terminal.options import REASON
from encoding.project.session import Session
from schemas.shared.command_line import emit, json_option


@click.command(
    "relink",
    epilog='Example: blindlink relink 4711 --reason "The birth certificate shows that it is."',
)
@click.argument("record")
@REASON
@click.option(
    "--link-id", help="Which of its link IDs, if more than one of this record was unlinked."
)
@json_option
@click.pass_obj
def relink(session: Session, /, record: str, *, reason: str, link_id: str | None) -> None:
    """Link one of your records again that your agency unlinked; - reads the number from standard input.

    In the next round the record has its link ID again, unless it got another one meanwhile; the other
    agencies' records get it back with your next claims. Only the agency that unlinked a record can undo it.
    """
    from encoding.project.linking.unlinks import RecordWord, speak_own

    link = speak_own(session, RecordWord.typed("relink", record, reason, link_id))
    remark = (
        "the link ID is in force again from the next round on; the other agencies are told then"
    )
    emit({"link_id": link.hex()}, remarks=[remark])
