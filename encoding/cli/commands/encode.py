"""`blindlink encode`: from the file of people to the outbox."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoding.project.agreement.project_view import at_broker
from encoding.project.session import Session
from encoding.project.source import Source, read_mapping, refuse_list
from encoding.project.uploading.subject import parse_day, subject_of
from schemas.shared.command_line import FILE, emit, json_option

if TYPE_CHECKING:
    from encoding.packing.fill import Filled


@click.command(
    "encode",
    epilog="Example: blindlink encode children.csv --skip-invalid skipped.csv",
)
@click.argument("file", required=False, type=FILE)
@click.option("--id-column", help="The column of your record IDs.")
@click.option(
    "--columns",
    "columns_file",
    type=FILE,
    help='TOML file of lines such as: first_name = "Your header".',
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME=HEADER",
    help="What your file calls a column of the recipe; may be repeated.",
)
@click.option("--date-format", help="How your file writes dates, such as MM/DD/YYYY.")
@click.option("--as-of", help="The day that the file describes: today, or 2026-01-31.")
@click.option("--population", help="Which people are in the file, by the agreement's code.")
@click.option(
    "--skip-invalid", type=FILE, help="Leave out rows that cannot be encoded, and list them here."
)
@click.option(
    "--explain",
    metavar="ROW",
    help="Only show, on this screen, how the record of a row would be encoded.",
)
@click.option("--id", "by_id", is_flag=True, help="What --explain names is a record ID.")
@json_option
@click.pass_obj
def encode(
    session: Session,
    *,
    file: Path | None,
    id_column: str | None,
    columns_file: Path | None,
    columns: tuple[str, ...],
    date_format: str | None,
    as_of: str | None,
    population: str | None,
    skip_invalid: Path | None,
    explain: str | None,
    by_id: bool,
) -> None:
    """Encode FILE (or the file of the settings) for the open round; nothing leaves this computer.

    You get one container for each partner, under keys of this round alone. If a row cannot be encoded, nothing
    is written, and the error names its row and column.
    """
    mapping = read_mapping(columns_file, columns)
    if explain is not None:
        from encoding.cli.terminal.explanation import show_explanation

        subject = subject_of(session, file, id_column, mapping, date_format)
        show_explanation(session, subject, explain, by_id=by_id)
        return
    from encoding.project import rounds as round_steps
    from encoding.project.linking.past_rounds import forget_past_rounds
    from encoding.project.secret.shared_secret import require_secret
    from encoding.project.uploading import steps

    source = Source(
        file=file,
        id_column=id_column,
        columns=mapping,
        date_format=date_format,
        as_of=parse_day(as_of, session, "--as-of"),
        population=population,
        skip_invalid=skip_invalid,
    )
    refuse_list(session, source)
    with at_broker(session) as context:
        require_secret(session, context.view)
        round_steps.top_up_nonces(context)
        found = round_steps.required_round(context)
        turns = round_steps.own_turns(context, found)
        round_steps.refuse_lost(context, turns)
        round_steps.refuse_unfit(context, found)
        forget_past_rounds(context)
    containers = []
    for turn in turns:
        filled = steps.encode(session, context.view, source, turn)
        containers.append(_document(filled))
        session.say(
            f"{filled.outbox.manifest.records:,} records are encoded for {turn.partner} in round"
            f" {turn.round}"
        )
    document: dict[str, object] = {"round": found.round, "containers": containers}
    emit(document, remarks=["next: blindlink upload"])


def _document(filled: Filled) -> dict[str, object]:
    manifest = filled.outbox.manifest
    return {
        "partner": manifest.partner,
        "side": manifest.side,
        "container": str(filled.outbox.container.path),
        "container_sha256": manifest.container_sha256,
        "container_bytes": manifest.container_bytes,
        "rows_of_file": filled.rows,
        "rows_skipped": filled.rows_skipped,
        "rows_withdrawn": filled.rows_withdrawn,
        "numbers_shared": len(filled.shared),
        "records_sharing_numbers": filled.shared.n_records,
        "records": manifest.records,
        "rows": manifest.rows,
        "key_id": manifest.key_id,
    }
