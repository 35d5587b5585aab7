from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.encodings import encodings
from twins.dice import all_pairs, as_bytes

from app.extras.exhaustive import (
    Block,
    DatasetError,
    EncodingWidthError,
    Words,
    match_block,
    pack_words,
    plan_blocks,
)

N_BYTES = 4
THRESHOLD = Fraction(3, 4)
FILES = st.lists(encodings(N_BYTES * 8, max_size=10), min_size=1, max_size=3)


def words_of(files: list[list[int]]) -> list[Words]:
    return [pack_words(as_bytes(rows, N_BYTES)) for rows in files]


@given(files=FILES, block_pairs=st.integers(1, 60))
def test_blocks_together_give_every_pair_once(files, block_pairs):
    sets = words_of(files)
    found: dict = {}
    for block in plan_blocks(sets, block_pairs=block_pairs):
        pairs = match_block(sets, block, THRESHOLD)
        here = found.setdefault((block.left_dataset, block.right_dataset), {})
        for x, y, c, t in zip(
            *(a.tolist() for a in (pairs.left, pairs.right, pairs.common, pairs.total)), strict=True
        ):
            assert (x, y) not in here
            here[x, y] = Fraction(2 * c, t)
    for j, right in enumerate(files):
        for i, left in enumerate(files[:j]):
            expected = {(p.left, p.right): p.similarity for p in all_pairs(left, right, THRESHOLD)}
            assert found.get((i, j), {}) == expected


@given(files=FILES, block_pairs=st.integers(1, 60))
def test_blocks_are_numbered_and_count_their_comparisons(files, block_pairs):
    blocks = plan_blocks(words_of(files), block_pairs=block_pairs)
    assert [block.number for block in blocks] == list(range(len(blocks)))
    sizes = [len(rows) for rows in files]
    across = sum(a * b for i, a in enumerate(sizes) for b in sizes[i + 1 :])
    assert sum(block.n_comparisons for block in blocks) == across


def plain(n: int) -> Words:
    return np.ones((n, 2), dtype=np.uint64)


def test_a_block_stays_near_the_size_that_was_asked_for():
    blocks = plan_blocks([plain(60), plain(6000)], block_pairs=10_000)
    assert max(block.n_comparisons for block in blocks) <= 10_000
    assert len(blocks) < 1.5 * sum(block.n_comparisons for block in blocks) / 10_000 + 10


def test_an_impossible_plan_is_refused():
    assert plan_blocks([plain(9), plain(0)], block_pairs=9) == ()
    for datasets, block_pairs in (([plain(2)], 0), ([plain(2)], -1), ([], 1)):
        with pytest.raises(DatasetError):
            plan_blocks(datasets, block_pairs=block_pairs)
    with pytest.raises(EncodingWidthError):
        plan_blocks([plain(2), np.ones((2, 3), dtype=np.uint64)], block_pairs=9)
    # A block of another plan.
    with pytest.raises(DatasetError):
        match_block([plain(2)], Block(0, 0, 1, 0, 1, 0, 1), THRESHOLD)
