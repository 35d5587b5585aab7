"""What a run says of the matches that it missed: bounds that hold, and a sample that covers."""

from __future__ import annotations

import numpy as np
import pytest

from app.matching.blocks.decisions import BandRule, decide
from app.matching.blocks.missed_matches import Missed, missed_by_sample, missed_matches
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


@pytest.mark.parametrize(("n_known", "n_missed"), [(0, 0), (5, 5)])
def test_a_sample_without_a_link_says_nothing(n_known: int, n_missed: int) -> None:
    assert missed_by_sample(n_known, n_missed, 100) is None


def test_a_sample_of_which_nothing_was_missed_still_has_a_bound() -> None:
    found = missed_by_sample(100, 0, 1_000)
    assert found is not None
    assert found.expected == 0
    assert 30 < found.most < 50


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("n_known", [50, 800])
def test_the_bound_of_a_random_sample_holds_in_nearly_all_cases(share: float, n_known: int) -> None:
    random = np.random.default_rng(1)
    n_others, n_runs = 2_000, 2_000
    sampled = random.binomial(n_known, share, n_runs).tolist()
    missed_of_others = random.binomial(n_others, share, n_runs).tolist()
    holds = 0
    for n_sampled, n_missed in zip(sampled, missed_of_others, strict=True):
        found = missed_by_sample(n_known, n_sampled, n_others - n_missed)
        holds += found is not None and n_missed <= found.most
    assert holds >= 0.93 * n_runs
