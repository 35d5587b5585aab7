"""Whether the intervals of a run hold what they say they hold, by rehearsals of which the truth is known.

    python -m benchmarks.intervals                                100 seeds, 400 x 8,000, mid errors
    python -m benchmarks.intervals --errors high --case clones    other errors; what may go wrong in files
    python -m benchmarks.intervals --seeds 12 --children 2000 --students 20000

Of each rehearsal: the pairs that were linked and are of two people, and the people in both files who were not
linked, each beside its interval as an agency is told it, by the counts from the floor on; and of each group of
the children's file by race and by county whose links are shown, how many of it are in both files. Ends with
exit code 1 where an interval holds fewer than nine in ten.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.matching.blocks.decisions import Band
from benchmarks.rehearsed import CASES, LEVELS, Rehearsal, clean, encoded_file, hard_case
from encoding.profiles.catalog import shipped_profile
from encoding.records import open_table
from encoding.synth import CHILD_WELFARE_LAYOUT, RehearsalFiles, write_rehearsal
from encoding.trial.linkage import link
from schemas.agreement.agreement import DEFAULT_FLOOR
from schemas.linkage.link_quality import (
    Interval,
    missed_matches,
    shown_concordance,
    true_matches,
    wrong_links,
)
from schemas.linkage.profile import EncodingProfile

FIRST_SEED = 1000
WANTED = 0.9
GROUPED_BY = ("race_ethnicity", "county")
_NEAR = 2


@dataclass(frozen=True)
class Told:
    """One number of one rehearsal: what it is, and the interval that is told."""

    true: int
    told: Interval

    @property
    def is_held(self) -> bool:
        """Whether the interval holds it."""
        return self.told.low <= self.true <= self.told.high


@dataclass(frozen=True)
class ToldOfGroup(Told):
    """How many records of a group are in both files; it has so many records, so many of them linked."""

    records: int
    linked: int

    @property
    def width(self) -> float:
        """How wide the interval is, in points of a percentage of the records."""
        return 100 * (self.told.high - self.told.low) / self.records

    def off(self) -> tuple[float, float]:
        """Return how far the rate of links and the middle of the interval are from the truth, in points."""
        middle = (self.told.low + self.told.high) / 2
        points = 100 / self.records
        return points * abs(self.linked - self.true), points * abs(middle - self.true)


def main() -> None:
    """Rehearse every seed, and print how often the intervals hold the truth."""
    given = _arguments()
    profile = shipped_profile("children")
    found: list[tuple[Told, Told]] = []
    groups: list[ToldOfGroup] = []
    for seed in range(FIRST_SEED, FIRST_SEED + given.seeds):
        wrong, missed, of_groups = rehearsed(
            profile, seed, given.children, given.students, given.errors, given.case
        )
        print(
            f"{seed}: wrong {_words(wrong)}, missed {_words(missed)}", file=sys.stderr, flush=True
        )
        found.append((wrong, missed))
        groups += of_groups
    held = [sum(one.is_held for one in each) for each in zip(*found, strict=True)]
    print("| of the links | truth, mean | interval, mean | held |\n|---|---|---|---|")
    for name, n_held, each in zip(("wrong", "missed"), held, zip(*found, strict=True), strict=True):
        mean = np.mean([(one.true, one.told.low, one.told.high) for one in each], axis=0)
        print(
            f"| {name} | {mean[0]:.2f} | {mean[1]:.1f} to {mean[2]:.1f} | {n_held} of {len(each)} |"
        )
    shares = [n / given.seeds for n in held]
    shares += [
        _print_groups(sizes, groups) for sizes in ((20, 50), (50, 100), (100, 250), (250, 10**9))
    ]
    sys.exit(0 if min(shares) >= WANTED else 1)


def _print_groups(sizes: tuple[int, int], groups: list[ToldOfGroup]) -> float:
    """Print how well the groups of some sizes are told, and return how often the interval holds the truth."""
    these = [one for one in groups if sizes[0] <= one.records < sizes[1]]
    if not these:
        return 1.0
    off = np.array([one.off() for one in these])
    share = float(np.mean([one.is_held for one in these]))
    print(
        f"\n{len(these)} groups of {sizes[0]} records and more: held {share:.1%}, interval"
        f" {np.mean([one.width for one in these]):.1f} points wide; within 2 points of the truth: rate of links"
        f" {np.mean(off[:, 0] <= _NEAR):.0%}, middle of the interval {np.mean(off[:, 1] <= _NEAR):.0%}"
    )
    return share


def rehearsed(
    profile: EncodingProfile, seed: int, n_children: int, n_students: int, errors: str, case: str
) -> tuple[Told, Told, list[ToldOfGroup]]:
    """Return wrong links, missed matches and matches of groups of one rehearsal."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_rehearsal(
            Path(folder) / "files",
            seed=seed,
            n_children=n_children,
            n_students=n_students,
            error_level=errors,
        )
        values = _values(files)
        return told(hard_case(clean(files, profile), case, seed), profile, values)


def told(
    rehearsal: Rehearsal, profile: EncodingProfile, values: Mapping[str, Sequence[str]]
) -> tuple[Told, Told, list[ToldOfGroup]]:
    """Link a rehearsal as a run does, and hold what is told of it to the truth.

    Args:
        values: of each child by ID, what GROUPED_BY says.
    """
    n_smaller = len(rehearsal.left.ids)
    smaller = encoded_file(rehearsal.left, profile, "smaller")
    run = link(profile, smaller, encoded_file(rehearsal.right, profile, "larger"))
    linked = run.rows(Band.AUTO)
    of_whom = rehearsal.truth.person
    people = [
        of_whom.get(pair)
        for pair in zip(linked["smaller"].tolist(), linked["larger"].tolist(), strict=True)
    ]
    n_missed = len({*of_whom.values()} - {*people})
    agreeing = shown_concordance(len(linked), run.concordance, DEFAULT_FLOOR)
    wrong = wrong_links(round(100 * run.expected_false_matches))
    missed = missed_matches(len(linked), n_smaller, agreeing, DEFAULT_FLOOR)
    is_true, is_linked = np.zeros((2, n_smaller), dtype=bool)
    is_true[[one for one, _ in of_whom]] = True
    is_linked[linked["smaller"]] = True
    whole = len(linked), n_smaller
    groups = []
    for place in range(len(GROUPED_BY)):
        of_record = np.array([values[_who(one)][place] for one in rehearsal.left.ids])
        for value in np.unique(of_record):
            here = of_record == value
            n, n_linked = int(here.sum()), int(is_linked[here].sum())
            if min(n_linked, n - n_linked) >= DEFAULT_FLOOR:
                matches = true_matches(n_linked, n, whole, wrong, missed)
                groups.append(ToldOfGroup(int(is_true[here].sum()), matches, n, n_linked))
    return Told(people.count(None), wrong), Told(n_missed, missed), groups


def _values(files: RehearsalFiles) -> dict[str, tuple[str, ...]]:
    """Return of each child by ID what the first row says of it."""
    found: dict[str, tuple[str, ...]] = {}
    names = [CHILD_WELFARE_LAYOUT.id_column, *GROUPED_BY]
    table = open_table(files.child_welfare, encoding=CHILD_WELFARE_LAYOUT.text_encoding)
    for chunk in table.select(names).chunks():
        for key, *cells in zip(*(chunk.columns[name] for name in names), strict=True):
            found.setdefault(key, tuple(cells))
    return found


def _who(record_id: str) -> str:
    """Return whose ID it is; a clone's ends in a word."""
    return record_id.partition(" ")[0]


def _words(one: Told) -> str:
    return f"{one.true} of {one.told.low} to {one.told.high}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--children", type=int, default=400)
    parser.add_argument("--students", type=int, default=8_000)
    parser.add_argument("--errors", choices=LEVELS, default="mid")
    parser.add_argument("--case", choices=CASES, default="plain")
    return parser.parse_args()


if __name__ == "__main__":
    main()
