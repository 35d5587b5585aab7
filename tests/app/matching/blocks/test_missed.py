"""What a run says of the matches that it missed: bounds that hold."""

from __future__ import annotations

import numpy as np
import pytest

from app.matching.blocks.decisions import BandRule, decide
from app.matching.blocks.missed_matches import Missed, missed_matches
from app.matching.blocks.pairs import MEETING


def missed(pairs: list[tuple[int, int, int]], n_smaller: int) -> Missed:
    met = np.zeros(len(pairs), dtype=MEETING)
    met["smaller"], met["larger"] = [one[0] for one in pairs], [one[1] for one in pairs]
    total = np.array([one[2] for one in pairs], dtype=np.int64)
    policy = BandRule(auto=3_000, review=0, lead=0, most_review=10, twin_limit=None)
    return missed_matches(met, total, decide(met, total, np.zeros_like(total), policy), n_smaller)


def test_records_of_a_link_are_not_missed() -> None:
    assert missed([(0, 0, 9_000), (0, 1, 2_000), (1, 0, 2_000)], 2) == Missed(0.0, 0, 1)


def test_pairs_of_two_records_that_are_not_linked_are_expected_by_their_probability() -> None:
    pairs = [(0, 0, 9_000), (1, 1, 0), (2, 2, 0), (2, 3, -60_000)]
    found = missed(pairs, 10)
    assert found.expected_met == pytest.approx(1)
    # Two records of the smaller file have candidates, and nine are not linked.
    assert (found.most_met, found.most) == (2, 9)


def test_no_more_matches_are_met_than_either_side_has_records() -> None:
    assert missed([(at, 0, 0) for at in range(5)], 5).most_met == 1
    assert missed([(0, at, 0) for at in range(5)], 5).most_met == 1


def test_no_pair_at_all_says_nothing_but_the_size_of_the_file() -> None:
    assert missed([], 7) == Missed(0.0, 0, 7)
