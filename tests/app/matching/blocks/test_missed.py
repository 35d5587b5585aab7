"""What a run says of the matches that it missed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.matching.blocks.bins import MemoryShelf
from app.matching.blocks.concordance import expected_missed
from app.matching.blocks.decisions import CANDIDATE, Band, BandRule, decide
from app.matching.blocks.rivals import NO_RIVAL

ROOT = Path(__file__).parents[4]
N_SEEDS, N_CHILDREN = 5, 300


def missed(pairs: list[tuple[int, int, int]]) -> float:
    rows = np.zeros(len(pairs), dtype=CANDIDATE)
    rows["smaller"], rows["larger"] = [one[0] for one in pairs], [one[1] for one in pairs]
    rows["total"], rows["lead"] = [one[2] for one in pairs], NO_RIVAL
    policy = BandRule(auto=3_000, review=0, lead=0, twin_limit=None)
    decided = decide([rows], policy, n_smaller=10, shelf=MemoryShelf())
    linked = {side: np.zeros(10, dtype=bool) for side in ("smaller", "larger")}
    for found in decided.in_band(Band.AUTO):
        for side, is_linked in linked.items():
            is_linked[found[side]] = True
    return expected_missed(np.array_split(rows, len(pairs) or 1), linked)


def test_pairs_of_two_records_that_are_not_linked_are_expected_by_their_probability() -> None:
    assert missed([]) == 0
    # Records of a link are not missed.
    assert missed([(0, 0, 9_000), (0, 1, 2_000), (1, 0, 2_000)]) == 0
    pairs = [(0, 0, 9_000), (1, 1, 0), (2, 2, 0), (2, 3, -60_000)]
    assert missed(pairs) == pytest.approx(1)


@pytest.mark.long
@pytest.mark.parametrize("errors", ["mid", pytest.param("high", marks=pytest.mark.soak)])
def test_wrong_links_and_missed_matches_lie_within_their_ranges(errors: str) -> None:
    command = [sys.executable, "-m", "benchmarks.intervals", "--errors", errors]
    command += ["--seeds", str(N_SEEDS), "--children", str(N_CHILDREN), "--students", "4000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # Where fewer than nine in ten are held, it is 1.
    assert done.returncode == 0, done.stderr
    # Ranges that hold anything would say nothing.
    ends = [float(end) for end in re.findall(r"to ([0-9.]+) \|", done.stdout)]
    assert len(ends) == 2
    assert ends[0] < 8
    # An upper end of five quarters of what links explain: the truth lay above half of it on files of few names.
    assert ends[1] < N_CHILDREN / 4
