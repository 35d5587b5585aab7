"""`blindlink evaluate`: links against the truth."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from encoding.project.session import Session
    from encoding.quality.evaluation import Evaluation, Share

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "evaluate",
    short_help="Measure links against the truth.",
    epilog="Example: blindlink evaluate --left links.csv --right other-links.csv --truth truth.csv",
)
@click.option(
    "--left", type=_FILE, required=True, help="Links of the agency named first in the truth."
)
@click.option("--right", type=_FILE, required=True, help="Links of the other agency.")
@click.option("--truth", type=_FILE, required=True, help="True pairs of record IDs.")
@click.option(
    "--look-alikes", type=_FILE, help="Pairs of records that are two people: twins, siblings."
)
@click.option("--by", multiple=True, help="Column of the truth whose values are subgroups.")
@json_option
@click.pass_obj
def evaluate(
    session: Session,
    *,
    left: Path,
    right: Path,
    truth: Path,
    look_alikes: Path | None,
    by: tuple[str, ...],
) -> None:
    """Measure how many links are right, how many true pairs were found, and which groups fare worst.

    LEFT and RIGHT are the files that `blindlink links` wrote at the two agencies; the truth is known for
    rehearsal data, or for a sample that people have checked.
    """
    from encoding.quality.evaluation import evaluate as measure
    from encoding.quality.evaluation import read_links, read_look_alikes, read_truth

    with session.working("measuring"):
        evaluation = measure(
            read_links(left, right),
            read_truth(truth),
            look_alikes=read_look_alikes(look_alikes) if look_alikes else None,
            by=by,
        )
    emit(asdict(evaluation), [_in_words(evaluation)])


def _in_words(evaluation: Evaluation) -> str:
    lines = [
        f"links          {evaluation.n_links:,}, of which {evaluation.n_correct:,} are right",
        f"true pairs     {evaluation.n_true:,}",
        f"precision      {_percent(evaluation.precision)}",
        f"recall         {_percent(evaluation.recall)}",
        f"F1             {_percent(evaluation.f1)}",
        f"people found   {_percent(evaluation.people)} of {evaluation.people.n:,}",
    ]
    for subgroups in evaluation.subgroups:
        lines.append(
            f"recall by {subgroups.column}, largest gap {100 * subgroups.largest_gap:.1f} points"
        )
        lines += [
            f"  {value or '(empty)':<20} {_percent(recall)} of {recall.n:,}"
            for value, recall in subgroups.recall.items()
        ]
    lines += [
        f"wrongly joined {joined.relation}s: {joined.n_linked:,} of {joined.n_pairs:,}"
        for joined in evaluation.wrongly_joined
    ]
    return "\n".join(lines)


def _percent(share: Share) -> str:
    if share.n == 0:
        return "unknown"
    return f"{100 * share.value:.2f} % ({100 * share.low:.2f} to {100 * share.high:.2f})"
