"""`blindlink agreement`: draft what is agreed, and read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoding.agreement.files import read_proposal, write_proposal
from encoding.agreement.page import agreement_page
from encoding.agreement.persons import needs_enrolled, newest_identities
from encoding.agreement.text import agreement_lines, agreement_markdown
from encoding.agreement.words import signature_chapter
from encoding.cli.commands.agreement_families import family_notice
from encoding.cli.commands.agreement_notices import halt, leave
from encoding.cli.commands.agreement_signatures import accept, send, sign, status
from encoding.cli.terminal import prompts
from encoding.cli.terminal.agreement_questions import ask_answers
from encoding.project.agreement.project_view import warn_of_lacking
from encoding.project.agreement.seats import pinned_log, seat
from encoding.project.noted_files import write_page
from encoding.project.session import Session
from schemas.agreement.chapters import Chapter, grouped
from schemas.agreement.clause_words import SSN_WARNING
from schemas.shared.command_line import FILE

if TYPE_CHECKING:
    from schemas.agreement.agreement import Agreement
    from schemas.agreement.negotiation import AgreementProposal
    from schemas.signing.identity import PublicIdentity


@click.group(
    "agreement", epilog="Example: blindlink agreement draft -o foster-k12.agreement-1.json"
)
def agreement() -> None:
    """Draft, read, sign, halt and leave the agreement under which records are linked."""


for command in (send, sign, accept, status, halt, leave, family_notice):
    agreement.add_command(command)


@agreement.command(
    "draft",
    short_help="Write down what is agreed; it binds once all have signed.",
    epilog="Example: blindlink agreement draft --from answers.toml",
)
@click.option("--from", "answers_file", type=FILE, help="TOML file of answers; nothing is asked.")
@click.option("--amends", "before_file", type=FILE, help="The agreement that this one amends.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PLACE=VALUE",
    help="One answer, such as end=2028-08-31 or limits.floor=11.",
)
@click.option(
    "--output",
    "-o",
    type=FILE,
    help="Where to write it; PROJECT.agreement-NUMBER.json if left out.",
)
@click.option("--html", "html_file", type=FILE, help="Also write a page to print, for counsel.")
@click.option("--force", is_flag=True, help="Overwrite a file that holds no agreement.")
@click.pass_obj
def draft(
    session: Session,
    /,
    *,
    answers_file: Path | None,
    before_file: Path | None,
    changes: tuple[str, ...],
    output: Path | None,
    html_file: Path | None,
    force: bool,
) -> None:
    """Ask what is agreed and write it down; a draft binds nobody until it is signed.

    The broker names each party's people, unless the answers name files of their identities. The agreement names
    the broker's log that this computer has pinned, and counts in no other. With --amends, whatever you leave
    unanswered stays as in that agreement.
    """
    from encoding.agreement.draft import draft_agreement, read_answers

    before = None if before_file is None else read_proposal(before_file)
    folder = Path() if answers_file is None else answers_file.parent
    if answers_file is not None:
        answers = read_answers(answers_file)
    elif before is not None or changes:
        answers = {}
    else:
        answers = _ask(session)
    changed = _changed(answers, changes)
    if before is None and "log" not in changed:
        changed["log"] = pinned_log(session, _project_in(changed))
    enrolled = _enrolled(session, changed, is_first=before is None)
    made = draft_agreement(changed, folder, before, enrolled)
    path = output or Path(f"{made.agreement.project}.agreement-{made.agreement.number}.json")
    write_proposal(path, made, force=force)
    if html_file is not None:
        _print(session, made, [], as_markdown=False, html_file=html_file, force=force)
    next_words = _next_words(made.agreement, path, is_printed=html_file is not None)
    session.say(f"{path} is written; {next_words}")
    if enrolled:
        session.say(
            "its persons are as the broker shows them: before you sign, compare each fingerprint with them,"
            " from: blindlink people list"
        )
    warn_of_lacking(session, made.agreement)
    number = made.agreement.known_number
    if number is not None and number.kind == "ssn":
        session.warn(SSN_WARNING.removeprefix("WARNING: "))
    if before is not None and made.agreement.epoch != before.agreement.epoch:
        session.warn("it opens a new epoch: the agencies make a new secret and encode anew")
    click.echo(grouped(made.agreement.digest()))


@agreement.command(
    "show",
    short_help="Show an agreement in plain sentences.",
    epilog="Example: blindlink agreement show draft.json --html page.html",
)
@click.argument("source", required=False, type=FILE)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown.")
@click.option("--html", "html_file", type=FILE, help="Write a page to print, with a picture.")
@click.option("--save", "saved", type=FILE, help="Write the agreement itself, to amend it later.")
@click.option("--number", type=click.IntRange(1, 10_000), help="This version, at the broker.")
@click.option("--force", is_flag=True, help="Overwrite a file that is not one of this program.")
@click.pass_obj
def show(
    session: Session,
    /,
    *,
    source: Path | None,
    as_markdown: bool,
    html_file: Path | None,
    saved: Path | None,
    number: int | None,
    force: bool,
) -> None:
    """Show the agreement in the file SOURCE in plain sentences, with its fingerprint.

    Without SOURCE, you see the newest one at the broker, and who has signed it. The printed page ends with a
    sheet for each party's counsel to sign.
    """
    chapters: list[Chapter] = []
    if source is not None:
        proposal = read_proposal(source)
    else:
        proposal, chapters = _from_broker(session, number)
    if saved is not None:
        write_proposal(saved, proposal, force=force)
        session.say(f"{saved} is written")
    _print(session, proposal, chapters, as_markdown, html_file, force=force)


def _next_words(made: Agreement, path: Path, *, is_printed: bool) -> str:
    if made.amends is None and is_printed:
        return f"next: blindlink agreement send {path}"
    if made.amends is None:
        return f"next: blindlink agreement show {path} --html agreement.html"
    party = made.amends.party
    signing = (
        "every party signs it; counsel doesn't have to"
        if party is None
        else f"{party} alone signs it"
    )
    return f"{signing}; next: blindlink agreement sign {path}"


def _from_broker(session: Session, number: int | None) -> tuple[AgreementProposal, list[Chapter]]:
    with seat(session) as at:
        shown = at.shown(number)
    return shown.proposal(), [signature_chapter(shown)]


def _print(
    session: Session,
    proposal: AgreementProposal,
    signatures: list[Chapter],
    as_markdown: bool,
    html_file: Path | None,
    *,
    force: bool,
) -> None:
    shown = proposal.agreement, proposal.profile
    if html_file is not None:
        write_page(html_file, agreement_page(*shown, signatures), force=force)
        session.say(f"{html_file} is written; print it for counsel to sign")
    if as_markdown:
        click.echo(agreement_markdown(*shown, signatures), nl=False)
    elif html_file is None:
        for line in agreement_lines(*shown, signatures):
            click.echo(line)


def _enrolled(session: Session, answers: dict[str, Any], *, is_first: bool) -> list[PublicIdentity]:
    """Return whom the broker shows, where the answers need it."""
    parties = answers.get("parties")
    tables = [one for one in parties if isinstance(one, dict)] if isinstance(parties, list) else []
    if not needs_enrolled(tables, is_first=is_first):
        return []
    with seat(session, _project_in(answers)) as at:
        return newest_identities(at.client.identities(at.project).identities)


def _project_in(answers: dict[str, Any]) -> str | None:
    """Return the project that the answers name."""
    named = answers.get("project")
    return named if isinstance(named, str) else None


def _ask(session: Session) -> dict[str, Any]:
    if not prompts.is_interactive():
        raise click.UsageError("missing option --from: there is no terminal to ask you on")
    project = session.project if session.config_path.exists() else None
    # Before anything is typed, which would be lost if no broker could be asked.
    log = pinned_log(session)
    return {"log": log, **ask_answers(project, session.now().date())}


def _changed(answers: dict[str, Any], changes: tuple[str, ...]) -> dict[str, Any]:
    """Return the answers with single ones put in; a value is JSON, or else a text."""
    for change in changes:
        place, separator, text = change.partition("=")
        *clauses, last = place.split(".")
        if not separator or not last:
            raise click.UsageError("an answer is given as PLACE=VALUE, such as limits.floor=11")
        clause = answers
        for name in clauses:
            clause = clause.setdefault(name, {})
            if not isinstance(clause, dict):
                raise click.UsageError(
                    f"there is no answer {place}: {name} is a value, and has no parts"
                )
        clause[last] = _value(text)
    return answers


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_float=str)
    except ValueError:
        return text
