from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from samples.encodings import seeded_rows

from app.extras.exhaustive import (
    Candidates,
    PairCapError,
    Words,
    match_block,
    pack_words,
    plan_blocks,
)
from app.extras.exhaustive.run import MatchedBlock, match_blocks

THRESHOLD = Fraction(4, 5)


@pytest.fixture(scope="module")
def datasets() -> list[Words]:
    return [pack_words(rows) for rows in seeded_rows(600, 256, 0.4, seed=3)]


@pytest.fixture(scope="module")
def blocks(datasets):
    return plan_blocks(datasets, block_pairs=30_000)


def as_rows(pairs: Candidates) -> list:
    arrays = (pairs.left, pairs.right, pairs.common, pairs.total)
    return list(zip(*(array.tolist() for array in arrays), strict=True))


def outcome(matched: list[MatchedBlock]) -> list:
    return [(each.block.number, as_rows(each.pairs)) for each in matched]


@pytest.fixture(scope="module")
def expected(datasets, blocks):
    return [(b.number, as_rows(match_block(datasets, b, THRESHOLD))) for b in blocks]


def test_blocks_come_in_the_order_of_the_plan(datasets, blocks, expected):
    for n_threads in (1, 2, 5):
        matched = list(match_blocks(datasets, blocks, THRESHOLD, n_threads=n_threads))
        assert outcome(matched) == expected, n_threads
        last = matched[-1].progress
        assert (last.n_done, last.n_total, last.left_s) == (600 * 600, 600 * 600, 0)
    assert list(match_blocks(datasets, [], THRESHOLD)) == []


def test_the_cap_counts_the_pairs_of_all_blocks(datasets, blocks, expected):
    n_pairs = sum(len(rows) for _, rows in expected)
    assert len(list(match_blocks(datasets, blocks, THRESHOLD, max_pairs=n_pairs))) == len(blocks)
    with pytest.raises(PairCapError):
        list(match_blocks(datasets, blocks, THRESHOLD, max_pairs=n_pairs - 1))


def test_an_error_in_a_block_reaches_the_caller(blocks):
    narrow = [np.ones((600, 2), dtype=np.uint64)]
    with pytest.raises(Exception, match="dataset that is not there"):
        list(match_blocks(narrow, blocks, THRESHOLD))
