"""`blindlink export`: who is in foster care, for the agency's own student system."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from encoding.cli.terminal.options import (
    LINKS,
    OTHER_ROUND,
    as_reason,
    file_options,
    output_options,
)
from encoding.project.session import Session
from encoding.recipe.dates import read_date_format
from schemas.shared.command_line import emit, json_option


@click.command(
    "export",
    epilog="Example: blindlink export --for ed-fi --organization 255901 -o foster.jsonl",
)
@click.option(
    "--for",
    "kind",
    required=True,
    type=click.Choice(["ed-fi", "ceds", "csv"]),
    help="JSON Lines for an Ed-Fi API (Data Standard 5 or 6), CSV by CEDS names, or plain CSV.",
)
@click.option(
    "--organization",
    required=True,
    help="The number of your education organization, or the column of your file that has it.",
)
@click.option("--student", help="The column of the student ID; your record ID if left out.")
@click.option(
    "--from",
    "partner",
    metavar="PARTY[=FILE]",
    help="The partner whose dates came; of several other agencies, the one that has the children in care.",
)
@OTHER_ROUND
@click.option("--begin", help="The partner's column of the day on which care began.")
@click.option(
    "--end", help="The partner's column of the day on which it ended, empty if it did not."
)
@click.option(
    "--date-format", default="YYYY-MM-DD", show_default=True, help="How the partner writes dates."
)
@click.option(
    "--since",
    metavar="DAY",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Only students whose status changed on this day or later.",
)
@click.option(
    "--accept-change",
    metavar="REASON",
    callback=as_reason,
    help="Export although more statuses end than is agreed, or IDs are of another column; say why.",
)
@file_options
@LINKS
@output_options("The file to write.")
@json_option
@click.pass_obj
def export(
    session: Session,
    /,
    *,
    kind: str,
    organization: str,
    student: str | None,
    partner: str | None,
    other_round: bool,
    begin: str | None,
    end: str | None,
    date_format: str,
    since: datetime | None,
    accept_change: str | None,
    file: Path | None,
    id_column: str | None,
    links_file: Path | None,
    output: Path,
    force: bool,
) -> None:
    """Write when foster care started and ended for each linked student, for your own student system.

    It takes a link for care: use it where the partner's file has children in care only. A student who was
    linked at the last export, and no longer is, counts as having left care. The days are the partner's where
    the agreement lets you have them, else those of your exports. The workspace remembers what was exported;
    the same again gives the same file.
    """
    from encoding.extras.export.status_export import Order, export_statuses, words_of
    from encoding.extras.linked_people.sources import Wanted, parties_of

    if begin is None and end is not None:
        raise click.UsageError("--from and --end go with --begin")
    named = parties_of([] if partner is None else [partner])
    order = Order(
        format=kind,  # type: ignore[arg-type]  # click has checked the choice
        student=student,
        organization=organization,
        partner=next(iter(named), None),
        begin=begin,
        end=end,
        dates=read_date_format(date_format),
        since=None if since is None else since.date().isoformat(),
        output=output,
        force=force,
        accepted=accept_change,
        wanted=Wanted(
            file, id_column, links_file, None, {} if begin is None else named, other_round
        ),
    )
    done = export_statuses(session, order)
    if done.without_id:
        session.warn(
            f"{done.without_id:,} linked rows without a student ID or organization are left out"
        )
    onward = "to nobody else" if done.onward is None else f"on to: {done.onward}"
    document: dict[str, object] = {
        "file": str(output),
        "students": done.students,
        "changes": {one: done.changes[one] for one in ("start", "end", "change")},
        "left_out": done.without_id,
    }
    said = f"{done.students:,} students: {words_of(done)}; {output}"
    emit(document, remarks=[said, f"the agreement lets these go {onward}"])
