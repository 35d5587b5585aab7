"""`blindlink agreement notice`: tell families what is done, in English or Spanish."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.agreement.family_notice import family_markdown, family_page, flat_answers
from encoding.agreement.family_notice import family_notice as composed
from encoding.agreement.files import read_proposal
from encoding.files import refuse_to_overwrite, write_durably
from encoding.project.agreement.seats import seat
from encoding.project.session import Session
from schemas.shared.command_line import FILE, emit, json_option

_PAGE = (".html", ".htm")
_TEXT = (".md", ".txt")


@click.command(
    "notice",
    short_help="Write a notice to families, for counsel to complete.",
    epilog="Example: blindlink agreement notice --language es -o notice.html",
)
@click.argument("source", required=False, type=FILE)
@click.option(
    "--language",
    type=click.Choice(["en", "es"]),
    default="en",
    show_default=True,
    help="English or Spanish.",
)
@click.option("--from", "answers_file", type=FILE, help="TOML file that fills the open places.")
@click.option(
    "--output",
    "-o",
    type=FILE,
    required=True,
    help="Where to write it: .html to print, .md to adapt.",
)
@click.option("--number", type=click.IntRange(1, 10_000), help="This version, at the broker.")
@click.option("--force", is_flag=True, help="Overwrite a file.")
@json_option
@click.pass_obj
def family_notice(
    session: Session,
    /,
    *,
    source: Path | None,
    language: str,
    answers_file: Path | None,
    output: Path,
    number: int | None,
    force: bool,
) -> None:
    """Write a notice to families about the agreement in SOURCE, for counsel to complete.

    Left out, the newest agreement at the broker. It says what is linked, why, who sees what, for how long,
    under which laws, and whom to call. Places that counsel has yet to fill in or check are
    marked, and listed here.
    """
    from encoding.agreement.draft import read_answers

    if output.suffix.lower() not in (*_PAGE, *_TEXT):
        raise click.UsageError(f"the notice is written as {', '.join((*_PAGE, *_TEXT))}")
    # People adapt it by hand, so that not even an earlier one is replaced.
    refuse_to_overwrite(output, own_start=b"", force=force)
    answers = {} if answers_file is None else flat_answers(read_answers(answers_file))
    if source is not None:
        proposal = read_proposal(source)
    else:
        with seat(session) as at:
            proposal = at.shown(number).proposal()
    made = composed(
        proposal.agreement, proposal.profile, "es" if language == "es" else "en", answers
    )
    write = family_page if output.suffix.lower() in _PAGE else family_markdown
    write_durably(output, write(made).encode())
    emit(
        {
            "file": str(output),
            "language": made.language,
            "open": [{"place": one.place, "what": one.what} for one in made.places],
        },
        [f"{one.place}: {one.what}" for one in made.places],
        remarks=[
            f"{output} is written; {_open_words(len(made.places))}",
        ],
    )


def _open_words(n_open: int) -> str:
    if not n_open:
        return "no place is open; let counsel read it before it goes to families"
    places = "1 place is" if n_open == 1 else f"{n_open} places are"
    return f"{places} open: counsel fills in or checks each, by hand or in a file for --from"
