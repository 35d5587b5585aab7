"""The progress of a comparison on a terminal: share, rate and time left."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.engine import MatchedBlock, Progress

_FROM_SECONDS = 1.0


def shown(matched: Iterable[MatchedBlock]) -> Iterator[MatchedBlock]:
    """Yield the same blocks; where standard error is a terminal, show how far they have come."""
    is_terminal = sys.stderr.isatty()
    is_drawn = False
    for each in matched:
        if is_terminal and each.progress.elapsed_s >= _FROM_SECONDS:
            click.echo(f"\r{describe(each.progress)}", nl=False, err=True)
            is_drawn = True
        yield each
    if is_drawn:
        click.echo(err=True)


def describe(progress: Progress) -> str:
    """Return a line of fixed width: comparisons done, rate and time left."""
    share = progress.n_done / progress.n_total if progress.n_total else 1.0
    line = f"{share:6.1%} of {progress.n_total:,} comparisons"
    if progress.comparisons_per_s is not None and progress.left_s is not None:
        rate = progress.comparisons_per_s / 1e6
        line += f", {rate:,.0f} million a second, {progress.left_s:,.0f} s left"
    return line.ljust(90)
