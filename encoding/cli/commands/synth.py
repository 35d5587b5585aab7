"""`blindlink synth`: rehearsal data for two agencies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoding.synth import SIZES, refuse_other_files, write_rehearsal
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from encoding.project.session import Session

SIZE_NAMES = ("district", "small-state", "mid-state", "large-state")
LEVEL_NAMES = ("low", "mid", "high")


@click.command(
    "synth",
    short_help="Write two agencies' rehearsal files of invented people.",
    epilog="Example: blindlink synth rehearsal --children 2000 --students 20000",
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same files.")
@click.option(
    "--size", type=click.Choice(SIZE_NAMES), help="Number of children, students and overlap."
)
@click.option("--children", type=click.IntRange(min=1), help="People in the child-welfare file.")
@click.option("--students", type=click.IntRange(min=1), help="People in the K-12 file.")
@click.option(
    "--overlap", type=click.FloatRange(0, 1), help="Share of the children who are students."
)
@click.option("--errors", type=click.Choice(LEVEL_NAMES), default="mid", show_default=True)
@click.option(
    "--known-numbers",
    is_flag=True,
    help="Of four in five clients the student ID is known, and one in a hundred is wrong.",
)
@json_option
@click.pass_obj
def synth(
    session: Session,
    *,
    folder: Path,
    seed: int,
    size: str | None,
    children: int | None,
    students: int | None,
    overlap: float | None,
    errors: str,
    known_numbers: bool,
) -> None:
    """Write a child-welfare file, a K-12 file and the truth into FOLDER.

    All people are invented. The files are as untidy as real ones, and truth.csv says which client is
    which student, so that a linkage of the two can be measured with `blindlink evaluate`.
    """
    refuse_other_files(folder)
    with session.working("inventing people"):
        preset = SIZES[size or "small-state"]
        files = write_rehearsal(
            folder,
            seed=seed,
            n_children=children or preset.n_children,
            n_students=students or preset.n_students,
            overlap=preset.overlap if overlap is None else overlap,
            error_level=errors,
            known_numbers=known_numbers,
        )
    paths = {
        "child_welfare": str(files.child_welfare),
        "k12": str(files.k12),
        "truth": str(files.truth),
        "look_alikes": str(files.look_alikes),
    }
    emit(paths, paths.values())
