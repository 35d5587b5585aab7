"""`blindlink-broker demo`."""

from __future__ import annotations

from pathlib import Path

import click

from app.demo.rehearse import PARTS, Sizes, rehearse
from schemas.shared.terminal import clear, draw


@click.command("demo", short_help="Rehearse the whole job on this machine with invented people.")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), default=Path("blindlink-demo"),
    show_default=True, help="Where everything is written; emptied if an earlier demo made it.",
)  # fmt: skip
@click.option("--children", type=click.IntRange(100, 200_000), default=2_000, show_default=True)
@click.option("--students", type=click.IntRange(100, 6_000_000), default=20_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same people.")
@click.option("--keep", is_flag=True, help="Leave the broker running, to look at its pages.")
def demo(folder: Path, *, children: int, students: int, seed: int, keep: bool) -> None:
    """Link two agencies' files of invented people, each step the real command in its own process.

    It writes both files, sets up a broker with TLS on this machine, encodes, uploads, links, decides what was
    held for review, delivers columns, and verifies the match log offline. Every command goes into commands.txt
    in its folder, for you to read and to type again.

    Example: blindlink-broker demo --keep
    """
    root, begun = folder.absolute(), 0

    def begin(part: str) -> None:
        nonlocal begun
        begun += 1
        clear()
        click.echo(f"{begun} of {len(PARTS)}  {part}", err=True)

    try:
        for line in rehearse(
            root,
            sizes=Sizes(children, students),
            seed=seed,
            keep=keep,
            begin=begin,
            say=lambda title: draw(f"        {title} ..."),
        ):
            clear()
            click.echo(line)
    finally:
        clear()
