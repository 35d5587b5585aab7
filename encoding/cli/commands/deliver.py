"""`blindlink deliver`: listed columns to a partner or a blind recipient, by the broker."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.terminal.options import file_options
from encoding.errors import NotReadyError
from encoding.project.agreement.project_view import at_broker
from encoding.project.session import Session
from encoding.project.source import Source
from schemas.shared.command_line import emit, json_option


@click.command("deliver", epilog="Example: blindlink deliver child-welfare")
@click.argument("partner")
@file_options
@json_option
@click.pass_obj
def deliver(session: Session, *, partner: str, file: Path | None, id_column: str | None) -> None:
    """Send PARTNER the columns that the agreement lists for it, by the broker, sealed to its people.

    They are of the records that you share, beside the link IDs in force; to a recipient of sealed match IDs
    (mode blind), of all records that you uploaded, beside these and a pseudonym of each. Which columns: those
    of [share] columns in blindlink.toml, or all of your file that the agreement lists. A later delivery of the
    same round takes the place of an earlier one; the same rows are not sent twice.
    """
    from encoding.project.delivering.exchange import exchange_document, raise_first
    from encoding.project.delivering.outgoing import deliver_columns

    source = Source(file=file, id_column=id_column)
    with session.workspace.refresh_lock(), at_broker(session) as context:
        delivered, failed = deliver_columns(context, source, only=partner, anew=True)
    raise_first(failed)
    if not delivered:
        raise NotReadyError(
            f"nothing was delivered to {partner}",
            hint="get the newest round's link IDs first: blindlink links",
        )
    emit(exchange_document(delivered, []), remarks=[one.sentence() for one in delivered])
