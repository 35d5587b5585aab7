"""`blindlink freeze`: a dated census of links and columns for a study, with an end of its own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from encoding.cli.terminal.options import (
    FORCE,
    LINKS,
    OTHER_ROUND,
    RECEIVED,
    file_options,
    split_columns,
)
from encoding.project.session import Session
from schemas.documents.ids import is_name
from schemas.shared.command_line import emit, json_option, one_line


@click.command(
    "freeze",
    epilog='Example: blindlink freeze kin-1 --why "IRB 26-4" --columns county --until 2027-06-30 -o kin.csv',
)
@click.argument("study", required=False)
@click.option("--list", "is_list", is_flag=True, help="Show what was frozen, and until when.")
@click.option("--why", default="", help="What the study is, in one line, such as its number.")
@click.option("--columns", default="", help="The columns to freeze, with commas between.")
@RECEIVED
@OTHER_ROUND
@click.option(
    "--until",
    metavar="DAY",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day on which the file may be kept, such as 2027-06-30.",
)
@click.option(
    "--as-of", metavar="ROUND", type=click.IntRange(1), help="Freeze the links of an earlier round."
)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="The file to write."
)
@FORCE
@file_options
@LINKS
@json_option
@click.pass_obj
def freeze(
    session: Session,
    /,
    *,
    study: str | None,
    is_list: bool,
    why: str,
    columns: str,
    received: tuple[str, ...],
    other_round: bool,
    until: datetime | None,
    as_of: int | None,
    output: Path | None,
    force: bool,
    file: Path | None,
    id_column: str | None,
    links_file: Path | None,
) -> None:
    """Write link IDs and listed columns as they are today, for a study, and note until when it may keep them.

    STUDY is a short name for it. The file stays the same while links and columns change, so that the study can
    be repeated. No record ID is in it. The list has its digest, day, round and agreement. When its time is
    over, `blindlink status` says so. `blindlink destroy --local --frozen STUDY` destroys it, and signs that.
    """
    from encoding.extras.freeze.freezing import Order, freeze_links, line_of
    from encoding.extras.linked_people.sources import Wanted, parties_of
    from encoding.project.status import frozen_here

    if is_list:
        if study is not None:
            raise click.UsageError("give either a study or --list")
        found = frozen_here(session)
        lines = [line_of(session, one) for one in found] or ["nothing was frozen here"]
        emit({"frozen": [one.model_dump(mode="json") for one in found]}, lines)
        return
    if not (study and why and columns and until and output):
        raise click.UsageError("name the study, --why, --columns, --until and -o; or give --list")
    if not is_name(study):
        raise click.BadParameter(
            "the short name of a study has lowercase letters, digits and hyphens only",
            param_hint="STUDY",
        )
    if as_of is not None and links_file is not None:
        raise click.UsageError("give either --links or --as-of")
    chosen = tuple(dict.fromkeys(split_columns(columns)))
    wanted = Wanted(file, id_column, links_file, as_of, parties_of(received), other_round)
    last = until.date().isoformat()
    order = Order(study, one_line(why), chosen, last, output, force, wanted)
    frozen = freeze_links(session, order)
    emit(frozen.model_dump(mode="json"), remarks=[line_of(session, frozen)])
