"""Whether the intervals of a run hold what they say they hold, by rehearsals of which the truth is known.

    python -m benchmarks.intervals                                100 seeds, 400 x 8,000, mid errors
    python -m benchmarks.intervals --errors high --case clones    other errors; what may go wrong in files
    python -m benchmarks.intervals --seeds 12 --children 2000 --students 20000

Of each rehearsal: the pairs that were linked and are of two people, and the people in both files who were not
linked, each beside its interval as an agency is told it, by the counts from the floor on. Ends with exit code 1
where either interval holds fewer than nine in ten.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.matching.blocks.decisions import Band
from benchmarks.rehearsed import CASES, LEVELS, Rehearsal, clean, encoded_file, hard_case
from encoding.profiles.shipped import shipped_profile
from encoding.synth import write_rehearsal
from encoding.trial.linkage import link
from schemas.agreement import DEFAULT_FLOOR
from schemas.link_quality import Interval, missed_matches, shown_concordance, wrong_links
from schemas.profile import EncodingProfile

FIRST_SEED = 1000
WANTED = 0.9


@dataclass(frozen=True)
class Told:
    """One number of one rehearsal: what it is, and the interval that is told."""

    true: int
    told: Interval

    @property
    def is_held(self) -> bool:
        """Whether the interval holds it."""
        return self.told.low <= self.true <= self.told.high


def main() -> None:
    """Rehearse every seed, and print how often the intervals hold the truth."""
    given = _arguments()
    profile = shipped_profile("children")
    found: list[tuple[Told, Told]] = []
    for seed in range(FIRST_SEED, FIRST_SEED + given.seeds):
        wrong, missed = rehearsed(
            profile, seed, given.children, given.students, given.errors, given.case
        )
        print(
            f"{seed}: wrong {_words(wrong)}, missed {_words(missed)}", file=sys.stderr, flush=True
        )
        found.append((wrong, missed))
    held = [sum(one.is_held for one in each) for each in zip(*found, strict=True)]
    print("| of the links | truth, mean | interval, mean | held |\n|---|---|---|---|")
    for name, n_held, each in zip(("wrong", "missed"), held, zip(*found, strict=True), strict=True):
        mean = np.mean([(one.true, one.told.low, one.told.high) for one in each], axis=0)
        print(
            f"| {name} | {mean[0]:.2f} | {mean[1]:.1f} to {mean[2]:.1f} | {n_held} of {len(each)} |"
        )
    sys.exit(0 if min(held) >= WANTED * given.seeds else 1)


def rehearsed(
    profile: EncodingProfile, seed: int, n_children: int, n_students: int, errors: str, case: str
) -> tuple[Told, Told]:
    """Return wrong links and missed matches of one rehearsal."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_rehearsal(
            Path(folder) / "files",
            seed=seed,
            n_children=n_children,
            n_students=n_students,
            error_level=errors,
        )
        return told(hard_case(clean(files, profile), case, seed), profile)


def told(rehearsal: Rehearsal, profile: EncodingProfile) -> tuple[Told, Told]:
    """Link a rehearsal as a run does, and hold what is told of it to the truth."""
    n_smaller = len(rehearsal.left.ids)
    smaller = encoded_file(rehearsal.left, profile, "smaller")
    run = link(profile, smaller, encoded_file(rehearsal.right, profile, "larger"))
    linked = run.pairs[run.decisions.band == Band.AUTO]
    of_whom = rehearsal.truth.person
    people = [
        of_whom.get(pair)
        for pair in zip(linked["smaller"].tolist(), linked["larger"].tolist(), strict=True)
    ]
    n_missed = len({*of_whom.values()} - {*people})
    agreeing = shown_concordance(len(linked), run.concordance, DEFAULT_FLOOR)
    return (
        Told(people.count(None), wrong_links(round(100 * run.expected_false_matches))),
        Told(n_missed, missed_matches(len(linked), n_smaller, agreeing, DEFAULT_FLOOR)),
    )


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
