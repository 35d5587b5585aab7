"""A trial of two files of tokens as somebody at a terminal takes part in it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from encoding.cli.terminal.trial_questions import Asked, Tried, confirm
from encoding.errors import TrialFilesError
from encoding.extras.tokens.files import TokenColumns, TokenFile, find_token_columns, read_tokens
from encoding.extras.tokens.trial import KEYLESS, run_token_trial, token_document, token_page
from encoding.project.session import Session
from encoding.trial.files import PAGE, PAIRS, README, UNMATCHED, refuse_taken_places, write_trial
from encoding.trial.layout import about_file
from encoding.trial.trial import refuse_one_file
from schemas.documents.printable import printable


def find_tokens(asked: Asked) -> tuple[TokenColumns, TokenColumns] | None:
    """Tell whether both files hold tokens; None: neither does, or a layout says what they hold."""
    if any(asked.layouts):
        return None
    found = []
    for path in asked.files:
        with about_file(path):
            found.append(find_token_columns(path))
    a, b = found
    if a and b:
        return a, b
    if a or b:
        one, other = asked.files if a else reversed(asked.files)
        raise TrialFilesError(
            f"{one.name} holds tokens, and {other.name} does not",
            hint="make tokens of both files with one secret, or give two files of people",
        )
    return None


def try_tokens(session: Session, asked: Asked, columns: tuple[TokenColumns, TokenColumns]) -> Tried:
    """Say what the files are, ask, link and write."""
    refuse_one_file(*asked.files)
    refuse_taken_places(asked.out, [PAGE, PAIRS, *UNMATCHED, README], force=asked.force)
    with session.progress() as progress:
        a, b = (read_tokens(one, progress) for one in columns)
    for line in () if session.is_quiet else (*_lines(a), *_lines(b)):
        click.echo(printable(line), err=True)
    if a.is_keyless or b.is_keyless:
        session.warn(KEYLESS)
    if not asked.yes:
        confirm(lambda: "if these are people, rename the columns RuleId, Token and RecordId")
    with session.progress() as progress:
        found = run_token_trial((a, b), truth=asked.truth, progress=progress)
    alone = {*a.rules} ^ {*b.rules}
    if alone:
        session.say(f"not compared, since only one file has it: {', '.join(sorted(alone))}")
    return found, token_document(found), write_trial(asked.out, found, token_page(found))


def _lines(file: TokenFile) -> Iterator[str]:
    yield (
        f"{file.name}: tokens of OpenLinkToken for {len(file.ids):,} records, and the share of records that"
        " have each"
    )
    for rule, share in zip(file.rules, file.shares, strict=True):
        yield f"  {rule:<4} {share:>6.1%}"
