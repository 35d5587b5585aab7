"""`blindlink attach`: columns that others have delivered by the broker, beside own rows, or joined."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.terminal.options import file_options
from encoding.project.agreement.project_view import at_broker
from encoding.project.session import Session
from encoding.project.source import Source
from schemas.shared.command_line import emit, json_option


@click.command("attach", epilog="Example: blindlink attach k12")
@click.argument("partner", required=False)
@file_options
@json_option
@click.pass_obj
def attach(
    session: Session, *, partner: str | None, file: Path | None, id_column: str | None
) -> None:
    """Write the columns that PARTNER has delivered by the broker beside your own rows, in with-PARTNER.csv.

    Leave PARTNER out for what all partners have delivered. A recipient that uploads nothing, and has columns of
    several agencies (mode blind), always does: their rows go to from-AGENCY.csv, with link IDs that last, and
    people whom several agencies have to joined.csv.

    What came is opened with your keys and checked: who has signed it, of which round it is, and that it holds
    only what the agreement lets you have. If anything is wrong, the file stays as it was, and PARTNER is told.
    Columns of your own, too: [share] keep in blindlink.toml. Exit code 7: nothing has come yet.
    """
    from encoding.project.delivering.exchange import attach_columns, exchange_document, raise_first

    source = Source(file=file, id_column=id_column)
    with session.workspace.refresh_lock(), at_broker(session) as context:
        attached, failed = attach_columns(context, source, only=partner)
    raise_first(failed)
    emit(exchange_document([], attached), remarks=[one.sentence() for one in attached])
