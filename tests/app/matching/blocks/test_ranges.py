"""Ranges of stored rows: what is read, what is refused, and how little is held."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rigs.refused_calls import refuses
from samples.block_rows import InParts, as_array, random_rows
from samples.matching_profiles import block_profile

from app.matching.blocks.errors import PartError, StoredMeetingsError
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import MEETING
from app.matching.blocks.ranges import (
    LOWEST,
    Sizes,
    TokenRange,
    meet_range,
    met_from_bytes,
    met_to_bytes,
    plan_ranges,
)
from app.matching.blocks.rows import read_rows

RULES = LevelRules(block_profile())
SIZES = Sizes(100, 1_000)
WHOLE = TokenRange(LOWEST, None)
SEEDS = st.integers(0, 2**32)


def two_files(seed: int, n_tokens: int, *, rows_each: tuple[int, int]) -> tuple[InParts, InParts]:
    random = Random(seed)
    smaller, larger = random_rows(random, block_profile(), 100, 1_000, n_tokens)
    return InParts(as_array(smaller), rows_each[0]), InParts(as_array(larger), rows_each[1])


def some_meetings() -> np.ndarray:
    met = np.zeros(3, dtype=MEETING)
    met["smaller"], met["larger"] = [4, 99, 4], [999, 0, 999]
    met["code"], met["row_smaller"], met["row_larger"] = [0, 7, 3], [2, 5, 6], [10, 11, 12]
    return met


@given(seed=SEEDS, each=st.integers(1, 100))
def test_ranges_cover_every_token_once(seed: int, each: int) -> None:
    ranges = plan_ranges(*two_files(seed, 30, rows_each=(4, 5)), rows_each=each)
    assert ranges[0].low == LOWEST
    assert ranges[-1].high is None
    assert [one.high for one in ranges[:-1]] == [one.low for one in ranges[1:]]
    assert all(one.low < two.low for one, two in pairwise(ranges))


def test_a_range_reads_about_as_many_rows_as_was_asked_for() -> None:
    smaller, larger = two_files(1, 2_000, rows_each=(20, 30))
    ranges = plan_ranges(smaller, larger, rows_each=500)
    n_rows = sum(smaller.n_rows) + sum(larger.n_rows)
    assert n_rows / 500 <= len(ranges) <= 1.3 * n_rows / 500
    for within in ranges:
        smaller.read.clear()
        larger.read.clear()
        meet_range(within, smaller, larger, RULES)
        read = 20 * len(smaller.read) + 30 * len(larger.read)
        assert read <= 500 + 2 * (20 + 30)
        # No part is decrypted twice in a task.
        assert len(set(larger.read)) == len(larger.read)
        assert len(set(smaller.read)) == len(smaller.read)


def test_files_that_share_no_token_do_not_meet() -> None:
    smaller, _ = two_files(1, 50, rows_each=(7, 7))
    _, larger = two_files(2, 50, rows_each=(7, 7))
    assert not set(smaller.first_tokens) & set(larger.first_tokens)
    (within,) = plan_ranges(smaller, larger, rows_each=10**6)
    assert len(meet_range(within, smaller, larger, RULES)) == 0


def test_a_part_with_other_rows_than_was_said_is_refused() -> None:
    for change in ("n_rows", "first_tokens"):
        smaller, larger = two_files(1, 50, rows_each=(7, 7))
        getattr(larger, change)[1] = 6 if change == "n_rows" else larger.first_tokens[0]
        with pytest.raises(PartError):
            meet_range(WHOLE, smaller, larger, RULES)


def test_bytes_that_are_not_whole_rows_are_refused() -> None:
    assert len(read_rows(bytes(168))) == 2
    for stored in (bytes(83), bytearray(85), memoryview(bytes(170))):
        with pytest.raises(PartError):
            read_rows(stored)


def test_stored_meetings_that_contradict_themselves_are_refused() -> None:
    for name, value in (
        *(("smaller", 100), ("larger", 1_000), ("code", -1), ("code", RULES.n_patterns)),
        *(("row_smaller", 5), ("row_smaller", 1)),
    ):
        met = some_meetings()
        met[name][2] = value
        with refuses(StoredMeetingsError, (name, value)):
            met_from_bytes(met_to_bytes(met, WHOLE), WHOLE, SIZES, RULES)


def test_stored_meetings_of_another_range_format_or_length_are_refused() -> None:
    stored = met_to_bytes(some_meetings(), WHOLE)
    elsewhere = TokenRange(LOWEST, b"b" * 16)
    # The byte that says whether there is an end is 0 or 1, nothing else.
    flagged = met_to_bytes(some_meetings(), TokenRange(LOWEST, b"b" * 16)).replace(b"\1b", b"\2b")
    bent = [
        flagged,
        b"",
        stored[:20],
        stored[:-1],
        stored + b"\0",
        b"x" + stored[1:],
        stored + bytes(32),
    ]
    for one in bent:
        with pytest.raises(StoredMeetingsError):
            met_from_bytes(one, WHOLE, SIZES, RULES)
    for one in (stored, flagged):
        with pytest.raises(StoredMeetingsError):
            met_from_bytes(one, elsewhere, SIZES, RULES)
