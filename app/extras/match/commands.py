"""`blindlink-broker match`: compares files of encodings without a broker."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schemas.shared.progress_bar import ProgressBar

if TYPE_CHECKING:
    from app.engine import Progress
    from app.extras.exhaustive.solver import Solver

MAX_PAIRS = 50_000_000
_DECIMAL = re.compile(r"[01]?(\.[0-9]{1,18})?")


@click.command("match", short_help="Compare files of encodings offline.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--threshold", required=True, help="Smallest similarity of a pair, 0.8 for example.")
@click.option(
    "--solver",
    type=click.Choice(["groups", "one-to-one"]),
    default="groups",
    show_default=True,
    help="Groups over all files, or one partner in each other file.",
)
@click.option("--similarities", is_flag=True, help="Print all pairs and scores, unsolved.")
@click.option("--bits", type=int, help="The files are raw binary with this many bits a row.")
@click.option("--threads", type=click.IntRange(1), help="Default: one for each processor.")
@click.option("--kernel", default="auto", show_default=True, help="How to compare; see doctor.")
@click.option("--max-pairs", type=click.IntRange(1), default=MAX_PAIRS, show_default=True)
def match(  # noqa: PLR0917 - one parameter for each option
    files: tuple[Path, ...],
    threshold: str,
    solver: Solver,
    similarities: bool,
    bits: int | None,
    threads: int | None,
    kernel: str,
    max_pairs: int,
) -> None:
    """Compare two or more FILES of encodings and print which rows belong together.

    A file is anonlink's JSON of CLKs, or raw binary with --bits. Rows count from 0. Everything printed is
    as sensitive as the encodings.

    Example: blindlink-broker match a.json b.json --threshold 0.85
    """
    from app.extras.exhaustive import solve_pairs
    from app.extras.exhaustive.run import find_pairs
    from app.extras.exhaustive.written import group_rows, json_of, score_rows
    from app.extras.match.files import read_encodings

    if len(files) < 2:
        raise click.UsageError("name two files or more")
    exact = _parse_threshold(threshold)
    datasets = [read_encodings(path, bits) for path in files]
    n_threads = threads or os.cpu_count() or 1
    with ProgressBar() as bar:
        pairs = find_pairs(
            datasets,
            exact,
            kernel=kernel,
            n_threads=n_threads,
            max_pairs=max_pairs,
            watch=_shown(bar),
        )
    rows = score_rows(pairs) if similarities else group_rows(solve_pairs(pairs, solver))
    for text in json_of("similarity_scores" if similarities else "groups", rows):
        click.echo(text, nl=False)
    click.echo()


def _parse_threshold(text: str) -> Fraction:
    from app.extras.exhaustive import ThresholdError

    # Not float(): 0.85 means 85/100, and "nan" means nothing.
    if not text or not _DECIMAL.fullmatch(text) or not 0 < Fraction(text) <= 1:
        raise ThresholdError("the threshold must be a decimal above 0 and at most 1")
    return Fraction(text)


def _shown(bar: ProgressBar) -> Callable[[Progress], None]:
    def show(progress: Progress) -> None:
        done, total = progress.n_done, progress.n_total
        bar("comparing", done / total if total else 1.0, done, "comparisons")

    return show
