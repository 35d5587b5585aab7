"""The plan's ranges, numbered: how much work each is."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.engine import NumberedRange, ProgressMeter, number_ranges
from app.matching.blocks.ranges import LOWEST, StoredRows, TokenRange, plan_ranges
from app.matching.blocks.rows import Rows


@dataclass
class Parts:
    """The parts of a file, of which nobody reads one."""

    first_tokens: list[bytes]
    n_rows: list[int]

    def part(self, number: int) -> Rows:
        raise NotImplementedError


def token(number: int) -> bytes:
    return number.to_bytes(16, "big")


def many_parts(n: int, seed: int) -> Parts:
    firsts = np.sort(np.random.default_rng(seed).integers(0, 2**63, n))
    return Parts([token(int(first)) for first in firsts], [1000] * n)


def number_slowly(
    smaller: StoredRows, larger: StoredRows, ranges: list[TokenRange]
) -> list[NumberedRange]:
    """Look through all parts for each range."""
    found = []
    for number, one in enumerate(ranges):
        n_rows = 0
        for file in (smaller, larger):
            for first, n in zip(file.first_tokens, file.n_rows, strict=True):
                if one.low <= first and (one.high is None or first < one.high):
                    n_rows += n
        found.append(NumberedRange(number, one, n_rows))
    return found


SOME_PARTS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), max_size=8).map(
    lambda found: Parts([token(first) for first, _ in sorted(found)], [n for _, n in found])
)


@given(SOME_PARTS, SOME_PARTS, st.sets(st.integers(1, 10)))
def test_a_range_has_the_rows_of_the_parts_that_begin_in_it(
    smaller: Parts, larger: Parts, cuts: set[int]
) -> None:
    ends = [LOWEST, *map(token, sorted(cuts)), None]
    ranges = [TokenRange(low, high) for low, high in pairwise(ends) if low is not None]
    assert list(number_ranges(smaller, larger, ranges)) == number_slowly(smaller, larger, ranges)


def test_many_parts_are_looked_through_once() -> None:
    files = many_parts(10_000, 1), many_parts(10_000, 2)
    ranges = plan_ranges(*files, rows_each=5_000)
    assert len(ranges) > 2_500
    start = time.process_time()
    numbered = number_ranges(*files, ranges)
    # Each part for each range would take far longer.
    assert time.process_time() - start < 5
    assert sum(one.n_rows for one in numbered) == 20_000_000


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
