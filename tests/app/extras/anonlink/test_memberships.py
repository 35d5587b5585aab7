from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.extras.anonlink.memberships import FORM, number_blocks, sharing_a_block
from app.extras.exhaustive import Block, Candidates

N_ROWS = 5
MIB = 1 << 20
MEMBERSHIPS = st.lists(st.tuples(st.integers(0, N_ROWS - 1), st.sampled_from([0, 7, 2**64 - 1])))


@given(MEMBERSHIPS, MEMBERSHIPS)
def test_a_pair_is_kept_where_a_look_at_both_finds_a_block_in_common(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    files = number_blocks([np.array(file, dtype=FORM) for file in (left, right)], [N_ROWS, N_ROWS])
    every = np.indices((N_ROWS, N_ROWS), dtype=np.uint32).reshape(2, -1)
    nothing = np.zeros(every.shape[1], dtype=np.uint16)
    block = Block(0, 0, 1, 0, N_ROWS, 0, N_ROWS)
    kept = sharing_a_block(files, block, Candidates(every[0], every[1], nothing, nothing))
    expected = {(x, y) for x, a in left for y, b in right if a == b}
    assert set(zip(kept.left.tolist(), kept.right.tolist(), strict=True)) == expected


def test_rows_in_many_blocks_take_no_more_memory() -> None:
    n_blocks, n_pairs = 250, 40_000
    left = np.array([(0, block) for block in range(n_blocks)], dtype=FORM)
    right = np.array([(row, row % 500) for row in range(n_pairs)], dtype=FORM)
    files = number_blocks([left, right], [1, n_pairs])
    nothing = np.zeros(n_pairs, dtype=np.uint16)
    rows = np.arange(n_pairs, dtype=np.uint32)
    pairs = Candidates(np.zeros_like(rows), rows, nothing, nothing)
    tracemalloc.start()
    kept = sharing_a_block(files, Block(0, 0, 1, 0, 1, 0, n_pairs), pairs)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50 * MIB
    assert kept.right.tolist() == [row for row in range(n_pairs) if row % 500 < n_blocks]


def test_what_is_asked_between_chunks_ends_it() -> None:
    rows = np.zeros(3, dtype=np.uint32)
    nothing = np.zeros(3, dtype=np.uint16)
    files = number_blocks([np.array([(0, 1)], dtype=FORM)] * 2, [1, 1])

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        sharing_a_block(
            files, Block(0, 0, 1, 0, 1, 0, 1), Candidates(rows, rows, nothing, nothing), stop
        )
