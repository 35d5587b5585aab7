"""Asks whether somebody means it, after saying what will happen."""

from __future__ import annotations

from collections.abc import Iterable

import click

from encoding.cli.parts import prompts


def require_yes(sentences: Iterable[str], question: str, *, yes: bool) -> None:
    """Say what will happen, and go on only if it is meant.

    Args:
        sentences: what will happen, one a line.
        question: asked on a terminal.
        yes: it was answered on the command line.
    Raises:
        click.UsageError: nobody is there to answer.
        click.Abort: the answer is no.
    """
    for sentence in sentences:
        click.echo(sentence, err=True)
    if yes:
        return
    if not prompts.is_interactive():
        raise click.UsageError("missing option --yes: nobody is there to answer questions")
    if not click.confirm(question, err=True):
        raise click.Abort
