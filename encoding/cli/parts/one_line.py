"""What somebody gives as one line for all parties: held to the limits of a signed text before it is used."""

from __future__ import annotations

import unicodedata

import click
from pydantic import TypeAdapter, ValidationError

from schemas.clauses import MAX_LINE, Line


def one_line(text: str) -> str:
    """Return a text as it is signed, without spaces round it; as a `type` of click, it asks anew at a prompt.

    Raises:
        click.BadParameter: `schemas.clauses.Line` does not take it.
    """
    # A Mac's keyboard may compose an accent of two characters; what is signed holds one.
    written = unicodedata.normalize("NFC", text.strip())
    try:
        TypeAdapter(Line).validate_python(written)
    except ValidationError:
        raise click.BadParameter(
            f"one line of 1 to {MAX_LINE} printable characters is wanted"
        ) from None
    return written
