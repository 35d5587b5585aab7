"""Which encodings are nearly equal, against the slow twin."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import linear_code as slow

from encoding.privacy_audit.row_bytes import near_pairs


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 20))
def test_near_pairs_are_those_of_plain_loops(seed: int, n_rows: int) -> None:
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, (n_rows, 24), dtype=np.uint8)
    bits[n_rows // 2 :] = bits[: n_rows - n_rows // 2]
    bits ^= (random.random(bits.shape) < 0.1).astype(np.uint8)
    one, other = near_pairs(np.packbits(bits, axis=1))
    expected = slow.near_pairs(slow.as_integers(bits), 24)
    assert list(zip(one.tolist(), other.tolist(), strict=True)) == expected
