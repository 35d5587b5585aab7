from __future__ import annotations

import itertools

from app.engine import ProgressMeter


def ticking(step_s: float = 2.0):
    return itertools.count(0.0, step_s).__next__


def test_the_rate_and_the_time_left_are_unknown_at_first():
    progress = ProgressMeter(100, clock=ticking()).advance(0)
    assert progress.comparisons_per_s is None
    assert progress.left_s is None


def test_time_left_is_the_rest_at_the_rate_so_far():
    progress = ProgressMeter(100, clock=ticking()).advance(25)
    assert (progress.comparisons_per_s, progress.left_s) == (12.5, 6.0)


def test_what_an_earlier_attempt_did_does_not_count_for_the_rate():
    meter = ProgressMeter(100, n_before=50, clock=ticking())
    progress = meter.advance(25)
    assert progress.n_done == 75
    assert (progress.comparisons_per_s, progress.left_s) == (12.5, 2.0)
