from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.anonlink.memberships import FORM, number_blocks, sharing_a_block
from app.matching.exhaustive import Block, Candidates

N_ROWS = 5
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
