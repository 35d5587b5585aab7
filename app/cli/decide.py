"""`blindlink-broker decide`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.errors import RequestError

if TYPE_CHECKING:
    from app.cli.containers import ContainerFile
    from app.matching.exhaustive import Decisions
    from schemas.agreement import ProjectTerms
    from schemas.profile import EncodingProfile

HEADER = ("pair", "band", "party", "handle")
BLOCK_PAIRS = 2**30
ReadableFile = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("decide", short_help="Decide the pairs of two containers offline, for a rehearsal.")
@click.option(
    "--project", "project_file", type=ReadableFile, required=True,
    help="The project, as `blindlink-broker project show` prints it.",
)  # fmt: skip
@click.argument("left", type=ReadableFile)
@click.argument("right", type=ReadableFile)
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="CSV file to write: two rows a pair, with band, party and handle.",
)  # fmt: skip
def decide(*, project_file: Path, left: Path, right: Path, output: Path) -> None:
    """Decide every pair of two containers as a run of the project would, without a broker.

    For rehearsals with a known truth: a run tells nobody which pairs it holds back for review.

    Example: blindlink-broker decide --project project.json a.enc b.enc -o pairs.csv
    """
    from app.cli.containers import read_container
    from app.cli.documents import read_document
    from schemas.api import ProjectView

    view = read_document(ProjectView, project_file)
    terms, profile = view.terms, view.profile
    files = (read_container(left), read_container(right))
    if any(file.header.profile != profile.digest() for file in files):
        raise RequestError("a container was made with another encoding profile")
    decisions = _decide(files, terms, profile)
    with output.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(_rows(files, decisions))
    click.echo(f"wrote {len(decisions):,} decided pairs to {output}", err=True)


def _decide(
    files: tuple[ContainerFile, ...], terms: ProjectTerms, profile: EncodingProfile
) -> Decisions:
    from app.matching.exhaustive import MatchingPolicy, match_block, plan_blocks, resolve
    from schemas.run import encoded_thresholds

    thresholds = encoded_thresholds(terms.policy, profile)
    policy = MatchingPolicy(
        thresholds.auto, thresholds.review, thresholds.margin, terms.policy.solver
    )
    datasets = [file.dataset for file in files]
    plan = plan_blocks(datasets, block_pairs=BLOCK_PAIRS)
    pairs = ((block, match_block(datasets, block, policy)) for block in plan)
    return resolve([dataset.n_records for dataset in datasets], pairs, policy).decisions


def _rows(
    files: tuple[ContainerFile, ...], decisions: Decisions
) -> Iterator[tuple[int, str, str, str]]:
    from app.matching.exhaustive import Band

    sides = (
        (decisions.left_dataset, decisions.left_record),
        (decisions.right_dataset, decisions.right_record),
    )
    for pair in range(len(decisions)):
        band = Band(int(decisions.band[pair])).name.lower()
        for dataset, record in sides:
            file = files[int(dataset[pair])]
            yield pair, band, file.header.party, file.handles[int(record[pair])].tobytes().hex()
