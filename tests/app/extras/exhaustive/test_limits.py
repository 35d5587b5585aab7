from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from rigs.refused_calls import refuses
from samples.encodings import THRESHOLDS

from app.extras.exhaustive import ThresholdError
from app.extras.exhaustive.limits import make_limits


@given(threshold=THRESHOLDS, n_bits=st.integers(1, 48))
def test_smallest_common_is_exact_at_every_sum(threshold, n_bits):
    limits = make_limits(threshold, n_bits)
    for total in range(1, 2 * n_bits + 1):
        needed = int(limits.smallest_common[total])
        assert Fraction(2 * needed, total) >= threshold
        assert needed == 0 or Fraction(2 * (needed - 1), total) < threshold


@given(threshold=THRESHOLDS, n_bits=st.integers(1, 32))
def test_largest_distance_covers_every_pair_with_a_smaller_sum(threshold, n_bits):
    limits = make_limits(threshold, n_bits)
    for bound in range(2 * n_bits + 1):
        for total in range(bound + 1):
            possible = total - 2 * int(limits.smallest_common[total])
            assert possible <= limits.largest_distance[bound]


@given(threshold=THRESHOLDS, n_bits=st.integers(1, 24))
def test_partner_ranges_are_the_counts_that_can_pair(threshold, n_bits):
    limits = make_limits(threshold, n_bits)
    for x in range(n_bits + 1):
        possible = [
            y
            for y in range(n_bits + 1)
            if min(x, y) > 0 and Fraction(2 * min(x, y), x + y) >= threshold
        ]
        smallest, largest = int(limits.smallest_partner[x]), int(limits.largest_partner[x])
        assert [y for y in range(n_bits + 1) if smallest <= y <= largest] == possible


def test_thresholds_out_of_range_or_inexact_are_refused():
    for threshold in (Fraction(0), Fraction(-1, 2), Fraction(3, 2), 0.8, float("nan"), 1, "0.8"):
        with refuses(ThresholdError, threshold):
            make_limits(threshold, 64)
    # Two empty encodings never reach any.
    assert make_limits(Fraction(1, 1000), 64).smallest_common[0] > 0
