from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twins.linking import duplicate_groups

from app.matching.exhaustive.components import label_components

N = 12
PAIRS = st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)))


def labels(pairs) -> list[int]:
    sides = np.array(pairs, dtype=np.uint32).reshape(-1, 2)
    return label_components(N, sides[:, 0], sides[:, 1]).tolist()


@given(pairs=PAIRS)
def test_a_component_is_labelled_by_its_smallest_record(pairs):
    expected = list(range(N))
    for group in duplicate_groups(((0, x), (0, y)) for x, y in pairs if x != y):
        for _, record in group:
            expected[record] = group[0][1]
    assert labels(pairs) == expected


def test_a_long_chain_is_one_component():
    chain = np.arange(100_000, dtype=np.uint32)
    order = np.random.default_rng(0).permutation(99_999)
    label = label_components(100_000, chain[:-1][order], chain[1:][order])
    assert not label.any()
