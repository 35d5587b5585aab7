"""`blindlink review`: people decide pairs that a run has sent to review."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoding.cli.terminal.options import file_options
from encoding.errors import ExtraMissingError
from encoding.files import refuse_to_overwrite
from encoding.project.agreement.project_view import at_broker
from encoding.project.noted_files import note_file
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.project.source import Source
from schemas.shared.amounts import counted
from schemas.shared.command_line import FILE, emit, json_option

if TYPE_CHECKING:
    from encoding.review.sitting import Sent, Sitting


@click.command("review", epilog="Example: blindlink review, then the key ? for help")
@file_options
@click.option(
    "--with", "partner", help="The agency whose pairs you review, if there are several reviews."
)
@click.option(
    "--list",
    "list",
    is_flag=True,
    help="List the pairs, how far you opened each card, and what you decided.",
)
@click.option(
    "--again", is_flag=True, help="Also show pairs that you were unsure of in an earlier round."
)
@click.option(
    "--export", type=FILE, help="Write the pairs to a spreadsheet, such as decisions.xlsx or .csv."
)
@click.option("--import", type=FILE, help="Import decisions from a spreadsheet that you filled in.")
@click.option("--send", is_flag=True, help="Send what you have decided.")
@click.option(
    "--finish", is_flag=True, help="Send your decisions, and decide no more in this review."
)
@click.option(
    "--answer",
    is_flag=True,
    help="Make the cards that another agency's reviewers need; refresh does this, too.",
)
@click.option("--force", is_flag=True, help="Overwrite a file when exporting.")
@json_option
@click.pass_obj
def review(session: Session, /, *, file: Path | None, id_column: str | None, **given: Any) -> None:
    """Decide whether each pair that a run was not sure of is the same person.

    You see your own record, and open the other one's card step by step. Each decision is saved at once. You
    can change it until you send it, but not after. You sign with your keys, which need the duty reviewer. If
    you accept a pair, it is linked. If you reject it, it is kept apart until a record changes.
    """
    from encoding.cli.terminal.review_words import (
        listed,
        pair_lines,
        review_line,
        standing_document,
        standing_lines,
    )
    from encoding.project.reviewing.answers import answer_reviews
    from encoding.project.reviewing.reviews import reviews_of
    from encoding.project.reviewing.sittings import (
        forget_ended,
        open_review,
        own_reviews,
        sitting_over,
    )

    deed = _deed(given)
    if deed is None:
        _refuse_without_screen()
    source = Source(file=file, id_column=id_column)
    # First, so that the options of this call count for the sign-in too, and the passphrase is asked for once.
    unlock_own(session)
    with at_broker(session) as context:
        if deed == "answer":
            n_reviews = answer_reviews(context, source, reviews_of(context))
            emit({"answered": n_reviews}, remarks=[f"answered {counted(n_reviews, 'review')}"])
            return
        views = own_reviews(context)
        forget_ended(context, views)
        if deed == "list" and not any(one.state == "answered" for one in views):
            emit({"reviews": [one.to_json() for one in views]}, map(review_line, views))
            return
        view = open_review(views, given["partner"])
        again = given["again"] or deed == "import"
        with sitting_over(context, view, source, again=again) as sitting:
            if deed == "list":
                emit(listed(views, sitting), [*map(review_line, views), "", *pair_lines(sitting)])
                return
            said = _do(session, sitting, deed, given)
            emit(standing_document(sitting), remarks=[*said, *standing_lines(sitting)])


def _deed(given: Mapping[str, Any]) -> str | None:
    """Return what is to be done; None: the screen is to be shown."""
    named = [
        name for name in ("list", "export", "import", "send", "finish", "answer") if given[name]
    ]
    if len(named) > 1:
        raise click.UsageError(f"give either --{named[0]} or --{named[1]}")
    return named[0] if named else None


def _refuse_without_screen() -> None:
    otherwise = "or decide in a spreadsheet: blindlink review --export decisions.xlsx"
    if find_spec("textual") is None:
        raise ExtraMissingError(
            "the screen for clerical review needs an optional package",
            hint=f"in Blindlink's folder: pip install '.[review]'; {otherwise}",
        )
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(f"the review screen needs a terminal; {otherwise}")


def _do(
    session: Session, sitting: Sitting, deed: str | None, given: Mapping[str, Any]
) -> list[str]:
    """Do what was asked for with the pairs of a review, and return what is said of it."""
    from encoding.project.reviewing.sittings import send_decisions
    from encoding.review.sheet import read_sheet, write_sheet

    if deed == "export":
        path: Path = given["export"]
        refuse_to_overwrite(path, own_start=b"", force=given["force"])
        note_file(session, "received", path)
        with session.working("opening cards"):
            n_rows = write_sheet(path, sitting)
        return [
            f"wrote {counted(n_rows, 'pair')} to {path}; fill in the columns verdict and reason"
        ]
    if deed == "import":
        with session.working("taking decisions"):
            taken = read_sheet(given["import"], sitting)
            sitting.diary.decide(taken, session.now())
        return [f"{counted(len(taken), 'decision')} imported; to send: blindlink review --send"]
    if deed in ("send", "finish"):
        return [str(send_decisions(session, sitting, is_last=deed == "finish"))]
    return _show(session, sitting)


def _show(session: Session, sitting: Sitting) -> list[str]:
    """Show the screen until it is left, and return what was sent; without a pair there is nothing to show."""
    from encoding.project.reviewing.sittings import send_decisions
    from encoding.review.screen import ReviewApp

    if not sitting.cases:
        return []
    said = []

    def send(is_last: bool) -> Sent:
        sent = send_decisions(session, sitting, is_last=is_last)
        said.append(str(sent))
        return sent

    is_quiet, session.is_quiet = session.is_quiet, True
    try:
        ReviewApp(sitting, send, session.now).run()
    finally:
        session.is_quiet = is_quiet
    return said
