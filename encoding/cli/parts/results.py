"""What a command has done, as a document or a sentence."""

from __future__ import annotations

import json

import click

from encoding.cli.parts.session import Session


def print_result(
    session: Session, as_json: bool, document: dict[str, object], sentence: str
) -> None:
    """Print the result: JSON on standard output, or a sentence on the error output."""
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        session.say(sentence)
