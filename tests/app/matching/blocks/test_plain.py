"""Columns as numbers of Python, beside the list of all of them."""

from __future__ import annotations

import numpy as np

from app.matching.blocks.bins import plain_numbers


def test_they_are_those_of_one_list() -> None:
    for n in (0, 1, 65_535, 65_536, 65_537, 200_000):
        for dtype in (np.uint8, np.uint32, np.int64):
            column = np.random.default_rng(n).integers(0, 200, n).astype(dtype)[::-1]
            found = list(plain_numbers(column))
            assert found == column.tolist(), (n, dtype)
            assert {type(one) for one in found} <= {int}
