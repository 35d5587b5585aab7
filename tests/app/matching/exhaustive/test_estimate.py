from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from samples.encodings import seeded_rows

from app.matching.exhaustive import (
    Dataset,
    DatasetError,
    MatchingPolicy,
    estimate,
    pack_words,
    resolve,
)
from app.matching.exhaustive.blocks import plan_blocks
from app.matching.exhaustive.pipeline import match_block


def policy(auto: Fraction, review: Fraction) -> MatchingPolicy:
    return MatchingPolicy(auto, review, Fraction(0), "groups")


def files(n: int, n_bits: int, fill: float) -> list[Dataset]:
    return [Dataset.of(pack_words(rows)) for rows in seeded_rows(n, n_bits, fill, seed=11)]


PLAIN = policy(Fraction(17, 20), Fraction(4, 5))


def test_small_files_are_counted_whole():
    sets = files(400, 512, 0.3)
    blocks = plan_blocks(sets, block_pairs=1 << 20)
    found = resolve([400, 400], ((b, match_block(sets, b, PLAIN)) for b in blocks), PLAIN)
    expected = estimate(sets, PLAIN)
    assert expected.n_comparisons == 400 * 400 + 400 * 399
    assert expected.n_pairs == expected.n_pairs_upper == found.n_candidate_pairs
    assert expected.n_duplicates == found.n_duplicate_pairs


def test_a_sample_estimates_the_pairs():
    n_pairs = 1000  # half of the records have a partner
    expected = estimate(files(2000, 256, 0.3), PLAIN, sample_pairs=1_000_000)
    assert 0.6 * n_pairs < expected.n_pairs < 1.5 * n_pairs
    assert expected.n_pairs_upper > expected.n_pairs


def test_chance_pairs_of_half_full_encodings_follow_the_noise_rule():
    """Distance and weights of unrelated half-full encodings vary: 0.5 +- sqrt(0.375 / bits)."""
    n, n_bits, review = 3000, 1024, Fraction(55, 100)
    expected = estimate(files(n, n_bits, 0.5), policy(Fraction(3, 5), review), is_within=False)
    deviations = (float(review) - 0.5) / math.sqrt(0.375 / n_bits)
    by_rule = n * n * 0.5 * math.erfc(deviations / math.sqrt(2))
    assert 0.75 * by_rule < expected.n_chance_pairs_review < by_rule / 0.75
    assert expected.n_chance_pairs_auto < expected.n_chance_pairs_review / 100


def test_time_is_the_time_of_the_sample_scaled_up():
    ticks = iter([0.0, 2.0])
    sets = files(2000, 128, 0.3)
    expected = estimate(
        sets, PLAIN, is_within=False, sample_pairs=1_000_000, clock=lambda: next(ticks)
    )
    assert expected.duration_s == pytest.approx(8.0)
    assert expected.comparisons_per_s == pytest.approx(500_000)


def test_equal_records_do_not_fill_the_memory():
    equal = Dataset.of(np.full((5000, 2), 0x0F0F, dtype=np.uint64))
    expected = estimate([equal, equal], PLAIN, is_within=False)
    assert expected.n_pairs == 25_000_000


def test_an_empty_file_costs_nothing():
    nothing = Dataset.of(np.empty((0, 2), dtype=np.uint64))
    expected = estimate([nothing, nothing], PLAIN)
    assert (expected.n_comparisons, expected.n_pairs) == (0, 0)


def test_no_dataset_is_refused():
    with pytest.raises(DatasetError):
        estimate([], PLAIN)
