"""Decoys: strangers made by recombining the fields of different rows.

Each decoy takes some groups of columns from one row and the rest from another, so that what goes together
within a group, and between the groups that stay together, is as frequent as in the file: a surname with the
first names that go with it, a first name with the years in which it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from encoding.calibrate.groups import Rows


def make_decoys(
    donors: Rows, groups: Sequence[Sequence[str]], n_decoys: int, seed: int
) -> dict[str, list[str]]:
    """Return rows of people who do not exist.

    Args:
        donors: rows of people who are not in what the decoys are compared with; at least two.
        groups: columns that are taken from one row; with a single group, decoys are the donors themselves.
        n_decoys: how many to make.
        seed: the same seed makes the same decoys.
    """
    rng = Random(seed)  # noqa: S311 - invented people, the same each time
    n_donors = len(next(iter(donors.values())))
    decoys: dict[str, list[str]] = {name: [] for group in groups for name in group}
    for _ in range(n_decoys):
        # Every way to part the groups in two, but for "all from one", is equally likely.
        parting = rng.randrange(1, 2 ** len(groups) - 1) if len(groups) > 1 else 0
        pair = rng.sample(range(n_donors), 2)
        for place, group in enumerate(groups):
            donor = pair[parting >> place & 1]
            for name in group:
                decoys[name].append(donors[name][donor])
    return decoys
