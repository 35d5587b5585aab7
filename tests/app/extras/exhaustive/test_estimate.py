from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from samples.encodings import seeded_rows

from app.extras.exhaustive import DatasetError, Words, dice_candidates, estimate, pack_words


def files(n: int, n_bits: int, fill: float) -> list[Words]:
    return [pack_words(rows) for rows in seeded_rows(n, n_bits, fill, seed=11)]


PLAIN = Fraction(4, 5)


def test_small_files_are_counted_whole():
    left, right = files(400, 512, 0.3)
    expected = estimate([left, right], PLAIN)
    assert expected.n_comparisons == 400 * 400
    assert expected.n_pairs == expected.n_pairs_upper == len(dice_candidates(left, right, PLAIN))


def test_a_sample_estimates_the_pairs():
    n_pairs = 1000  # half of the records have a partner
    expected = estimate(files(2000, 256, 0.3), PLAIN, sample_pairs=1_000_000)
    assert 0.6 * n_pairs < expected.n_pairs < 1.5 * n_pairs
    assert expected.n_pairs_upper > expected.n_pairs


def test_chance_pairs_of_half_full_encodings_follow_the_noise_rule():
    """Distance and weights of unrelated half-full encodings vary: 0.5 +- sqrt(0.375 / bits)."""
    n, n_bits, threshold = 3000, 1024, Fraction(55, 100)
    expected = estimate(files(n, n_bits, 0.5), threshold)
    deviations = (float(threshold) - 0.5) / math.sqrt(0.375 / n_bits)
    by_rule = n * n * 0.5 * math.erfc(deviations / math.sqrt(2))
    assert 0.75 * by_rule < expected.n_chance_pairs < by_rule / 0.75


def test_time_is_the_time_of_the_sample_scaled_up():
    ticks = iter([0.0, 2.0])
    sets = files(2000, 128, 0.3)
    expected = estimate(sets, PLAIN, sample_pairs=1_000_000, clock=lambda: next(ticks))
    assert expected.duration_s == pytest.approx(8.0)
    assert expected.comparisons_per_s == pytest.approx(500_000)


def test_equal_records_do_not_fill_the_memory():
    equal = np.full((5000, 2), 0x0F0F, dtype=np.uint64)
    expected = estimate([equal, equal], PLAIN)
    assert expected.n_pairs == 25_000_000


def test_an_empty_file_costs_nothing_and_no_dataset_is_refused():
    nothing = np.empty((0, 2), dtype=np.uint64)
    expected = estimate([nothing, nothing], PLAIN)
    assert (expected.n_comparisons, expected.n_pairs) == (0, 0)
    with pytest.raises(DatasetError):
        estimate([], PLAIN)
