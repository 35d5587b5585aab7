"""`blindlink-broker decide`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.documents import read_document
from schemas.api import ProjectView
from schemas.counts import FileCounts, published_counts
from schemas.upload import Manifest

if TYPE_CHECKING:
    from app.cli.containers import ContainerFile
    from app.matching.blocks.resolution import Resolution

HEADER = ("pair", "band", "party", "handle")
ReadableFile = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("decide", short_help="Decide the pairs of two containers offline, for a rehearsal.")
@click.option(
    "--project", "project_file", type=ReadableFile, required=True,
    help="The project, as `blindlink-broker project show` prints it.",
)  # fmt: skip
@click.option(
    "--manifest", "manifest_file", type=ReadableFile,
    help="The larger file's manifest, with its counts; those of the profile if not given.",
)  # fmt: skip
@click.argument("larger", type=ReadableFile)
@click.argument("smaller", type=ReadableFile)
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="CSV file to write: two rows a pair, with band, party and handle.",
)  # fmt: skip
def decide(
    *,
    project_file: Path,
    manifest_file: Path | None,
    larger: Path,
    smaller: Path,
    output: Path,
) -> None:
    """Decide every pair of two containers of one round as a run of the project would, without a broker.

    For rehearsals with a known truth: a run tells nobody which pairs it holds back for review.

    Example: blindlink-broker decide --project project.json k12.enc welfare.enc -o pairs.csv
    """
    from app.cli.containers import read_container

    view = read_document(ProjectView, project_file)
    counts = None if manifest_file is None else read_document(Manifest, manifest_file).counts
    files = (read_container(larger, view.profile), read_container(smaller, view.profile))
    if [file.header.side for file in files] != ["larger", "smaller"]:
        raise click.UsageError(
            "name the container of the larger file first, then the smaller one's"
        )
    resolution = _resolve(files, view, counts)
    with output.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        n_pairs = 0
        for rows in _rows(files, resolution):
            writer.writerows(rows)
            n_pairs += 1
    click.echo(f"wrote {n_pairs:,} decided pairs to {output}", err=True)


def _resolve(
    files: tuple[ContainerFile, ContainerFile], view: ProjectView, counts: FileCounts | None
) -> Resolution:
    from app.matching.blocks.levels import LevelRules
    from app.matching.blocks.ranges import LOWEST, Sizes, TokenRange, meet_range
    from app.matching.blocks.resolution import resolve_pair
    from app.runs.bounds import link_policy

    larger, smaller = files
    sizes = Sizes(smaller=smaller.header.records, larger=larger.header.records)
    everything = TokenRange(LOWEST, None)
    return resolve_pair(
        [meet_range(everything, smaller, larger, LevelRules(view.profile))],
        profile=view.profile,
        counts=counts or published_counts(view.profile, sizes.larger),
        sizes=sizes,
        policy=link_policy(view.terms.policy, sizes.smaller),
    )


def _rows(
    files: tuple[ContainerFile, ContainerFile], resolution: Resolution
) -> Iterator[list[tuple[int, str, str, str]]]:
    """Yield two rows for each pair that is linked or held back."""
    import numpy as np

    from app.matching.blocks.decisions import Band

    kept = np.flatnonzero(resolution.decisions.band != Band.REJECT)
    for pair, at in enumerate(kept.tolist()):
        band = Band(int(resolution.decisions.band[at])).name.lower()
        yield [
            (
                pair,
                band,
                file.header.party,
                file.handles[resolution.pairs[side][at]].tobytes().hex(),
            )
            for file, side in zip(files, ("larger", "smaller"), strict=True)
        ]
