"""Questions on the terminal, each with the answer that Enter gives; they are written to standard error."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date

import click
from pydantic import TypeAdapter

from schemas.agreement.clauses import DueMoment, refuse_due


def ask_confirmation(text: str, *, default: bool) -> bool:
    """Return whether the answer is yes."""
    return click.confirm(text, default, err=True)


def say_heading(question: str) -> None:
    """Say what the next questions are about."""
    click.echo(f"\n{question}", err=True)


def ask_text(text: str, default: str | None = None) -> str:
    """Return a text; without a default it is asked until something is said."""
    answer: str = click.prompt(text, default=default, show_default=bool(default), err=True)
    return answer.strip()


def ask_list(text: str, default: str | None = None) -> list[str]:
    """Return the parts of an answer with commas."""
    return [part.strip() for part in ask_text(text, default).split(",") if part.strip()]


def ask_share(text: str, default: str) -> str:
    """Return a number from 0 to 1, as it was written."""

    def parse(given: str) -> str:
        if not re.fullmatch(r"(0(\.[0-9]{1,9})?|1(\.0{1,9})?)", given):
            raise click.BadParameter("enter a number from 0 to 1, such as 0.9")
        return given

    answer: str = click.prompt(text, default=default, value_proc=parse, err=True)
    return answer


def ask_number(text: str, default: int | None) -> int:
    """Return a whole number from 0."""
    answer: int = click.prompt(text, default=default, type=click.IntRange(0), err=True)
    return answer


def ask_choice(text: str, choices: Sequence[str], default: str | None) -> str:
    """Return one of some words."""
    answer: str = click.prompt(text, default=default, type=click.Choice(list(choices)), err=True)
    return answer


def ask_due(frequency: str) -> str | None:
    """Return by when files are due in a schedule of turns; None: any time of the day."""

    def parse(given: str) -> str | None:
        if not given:
            return None
        try:
            due = TypeAdapter(DueMoment).validate_python(given)
            refuse_due(frequency, due)
        except ValueError:
            example = "22:00" if frequency == "daily" else "sunday 22:00"
            raise click.BadParameter(f"enter a time in UTC, such as {example}") from None
        return due

    text = "By when files are due, in UTC, such as sunday 22:00 (Enter: on the day of the round)"
    answer: str | None = click.prompt(
        text, default="", show_default=False, value_proc=parse, err=True
    )
    return answer


def ask_date(text: str, default: date | None) -> date:
    """Return a day."""

    def parse(given: str) -> date:
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise click.BadParameter("write a day like 2026-09-01") from None

    shown = None if default is None else default.isoformat()
    answer: date = click.prompt(text, default=shown, value_proc=parse, err=True)
    return answer


def is_interactive() -> bool:
    """Tell whether someone is there to answer."""
    return sys.stdin.isatty()


def require_yes(sentences: Iterable[str], question: str, *, yes: bool) -> None:
    """Say what will happen, and go on only if it is meant."""
    for sentence in sentences:
        click.echo(sentence, err=True)
    if yes:
        return
    if not is_interactive():
        raise click.UsageError("missing option --yes: there is no terminal to ask you on")
    if not click.confirm(question, err=True):
        raise click.Abort
