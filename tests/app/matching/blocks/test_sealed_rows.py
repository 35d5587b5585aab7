"""Real sealed rows of two files of FEBRL's people, from encoding to bands."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.block_rows import InParts
from samples.matching_profiles import block_profile

from app.matching.blocks.checks import RowCheck
from app.matching.blocks.decisions import Band, BandRule
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.ranges import Sizes, meet_range, plan_ranges
from app.matching.blocks.resolution import LinkPolicy, Resolution, resolve_pair
from app.matching.blocks.rows import Rows, read_rows
from encoding.blocks.assembly import Assembly
from encoding.blocks.keys import CellKeys
from schemas.counts import published_counts
from schemas.profile import Side

PROFILE = block_profile()
RULES = LevelRules(PROFILE)
DATA = Path(__file__).parents[3] / "data"
SIZES = Sizes(600, 3_000)
# Record i of the smaller file and this many more of the larger are one person; 300 are in both.
FIRST_OF_SMALLER = 2_700
POLICY = LinkPolicy(
    Fraction(2, 5),
    BandRule.of_probabilities(
        auto="0.9", review="0.05", lead=0, most_review=1_000, twin_limit=None
    ),
)


def people(name: str) -> Iterator[dict[str, str]]:
    """FEBRL's people, in the order of their numbers, as derived columns of the test profile."""
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    for row in sorted(rows, key=lambda row: int(row["rec_id"].split("-")[1])):
        born = row["date_of_birth"].strip()
        date = born if len(born) == 8 else ""
        surname = row["surname"].strip().upper()
        yield {
            "first_name": row["given_name"].strip().upper(),
            "first_name_canonical": row["given_name"].strip().upper(),
            "surname_1": surname,
            "surname_2": surname,
            "birth_year": date[:4],
            "birth_day_month": "".join(sorted((date[4:6], date[6:]))),
            "sex": "",
        }


def sealed(side: Side, spellings: list[dict[str, str]], key: bytes, folder: Path) -> Rows:
    n = len(spellings)
    columns = {column: [one[column] for one in spellings] for column in spellings[0]}
    assembly = Assembly(
        PROFILE,
        CellKeys(key),
        side,
        n_records=n,
        repeated=np.zeros(n, dtype=bool),
        folder=folder,
    )
    assembly.add(columns, np.arange(n, dtype=np.uint32))
    return read_rows(b"".join(rows.tobytes() for rows in assembly.rows()))


@pytest.fixture(scope="module")
def files(tmp_path_factory: Any) -> tuple[Rows, Rows]:
    larger = list(people("febrl4b.csv"))[: SIZES.larger]
    smaller = list(people("febrl4a.csv"))[FIRST_OF_SMALLER : FIRST_OF_SMALLER + SIZES.smaller]
    made = (("smaller", smaller), ("larger", larger))
    first, second = (
        sealed(side, spellings, b"k" * 32, tmp_path_factory.mktemp(side))
        for side, spellings in made
    )
    return first, second


def run(smaller: Rows, larger: Rows, rows_each: int) -> Resolution:
    stored = InParts(smaller, 1_000), InParts(larger, 1_500)
    return resolve_pair(
        (
            meet_range(within, *stored, RULES)
            for within in plan_ranges(*stored, rows_each=rows_each)
        ),
        profile=PROFILE,
        counts=published_counts(PROFILE, SIZES.larger),
        sizes=SIZES,
        policy=POLICY,
    )


def test_what_an_agency_encodes_passes_the_checks(files: tuple[Rows, Rows]) -> None:
    for side, rows, n in (("smaller", files[0], SIZES.smaller), ("larger", files[1], SIZES.larger)):
        checked = RowCheck(PROFILE, side, n)
        for part in np.array_split(rows, 7):
            checked.add(part)
        checked.finish()


def test_the_people_of_both_files_are_linked(files: tuple[Rows, Rows]) -> None:
    found = run(*files, rows_each=4_000)
    linked = found.pairs[found.decisions.band == Band.AUTO]
    is_right = linked["larger"] == linked["smaller"] + FIRST_OF_SMALLER
    n_both = SIZES.larger - FIRST_OF_SMALLER
    assert is_right.mean() > 0.99
    # FEBRL's errors are many, and the test profile has two passes.
    assert is_right.sum() > 0.6 * n_both
    n_missed = n_both - int(is_right.sum())
    assert found.missed.expected_met < n_missed <= found.missed.most


def test_any_ranges_give_the_same_run(files: tuple[Rows, Rows]) -> None:
    one, other = run(*files, rows_each=10**9), run(*files, rows_each=2_500)
    assert one.pairs.tobytes() == other.pairs.tobytes()
    assert (one.total == other.total).all()
    assert (one.weights, one.table, one.missed) == (other.weights, other.table, other.missed)


def test_files_of_two_rounds_never_meet(files: tuple[Rows, Rows], tmp_path: Path) -> None:
    smaller = list(people("febrl4a.csv"))[FIRST_OF_SMALLER : FIRST_OF_SMALLER + SIZES.smaller]
    other_round = sealed("smaller", smaller, b"another" + bytes(25), tmp_path)
    found = run(other_round, files[1], rows_each=10**9)
    assert (found.n_meetings, len(found.pairs)) == (0, 0)
    assert found.missed.most == SIZES.smaller
