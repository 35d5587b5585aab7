"""Columns as the command line lists them."""

from __future__ import annotations

import csv

import click


def split_columns(text: str) -> tuple[str, ...]:
    """Return the columns of a list with commas between; a name with a comma stands in quotation marks."""
    if not text:
        return ()
    try:
        (row,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError) as exc:
        raise click.BadParameter("not a list of columns", param_hint="--columns") from exc
    return tuple(name.strip() for name in row if name.strip())
