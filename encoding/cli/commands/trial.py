"""`blindlink trial`: link two files on the spot."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.project.session import Session
from encoding.trial.words import UNPROTECTED
from schemas.shared.command_line import FILE, emit, json_option


@click.command(
    "trial",
    short_help="Link two files of yours on the spot, to see what comes out.",
    epilog="Example: blindlink trial clients.csv pupils.csv",
)
@click.argument("file_a", metavar="A", type=FILE)
@click.argument("file_b", metavar="B", type=FILE)
@click.option("--truth", type=FILE, help="True pairs, a record ID of A and one of B a row.")
@click.option(
    "--profile",
    type=click.Choice(["children", "generic-person"]),
    default="children",
    show_default=True,
    help="Whom the files are about.",
)
@click.option("--layout-a", type=FILE, help="The layout of A, instead of a guess; see the docs.")
@click.option("--layout-b", type=FILE, help="The layout of B.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("trial"),
    show_default=True,
    help="The folder to write into.",
)
@click.option("--yes", is_flag=True, help="Accept the guesses about the columns.")
@click.option("--force", is_flag=True, help="Overwrite the files of an earlier trial.")
@json_option
@click.pass_obj
def trial(
    session: Session,
    /,
    *,
    file_a: Path,
    file_b: Path,
    truth: Path | None,
    profile: str,
    layout_a: Path | None,
    layout_b: Path | None,
    out: Path,
    yes: bool,
    force: bool,
) -> None:
    """Link the records of two files, A and B: CSV, XLSX or Parquet, one row a record.

    You set up nothing. The program guesses what the columns mean, and asks you whether that is right. The
    files are encoded with a secret that is thrown away, and linked here; nothing leaves this computer. Pairs,
    reasons for records without one, and a page to read go into a folder. You see both files, so nothing is
    protected from you.
    """
    from encoding.cli.terminal.trial_questions import Asked, try_linkage
    from encoding.trial.summary import summary_lines, trial_document

    asked = Asked((file_a, file_b), (layout_a, layout_b), profile, truth, out, yes, force)
    found, written = try_linkage(session, asked)
    emit(
        trial_document(found) | {"written": [str(path) for path in written]},
        summary_lines(found),
        remarks=[f"read {written[0]} first; pairs are in {written[1]}"],
    )
    session.say(UNPROTECTED)
