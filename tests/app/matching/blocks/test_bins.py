"""Rows in bins come out as a sorted list of all would, however they are added and however little is held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.matching.blocks import bins
from app.matching.blocks.bins import Bins, MemoryShelf, Rows, Taken, plain_numbers

ROW = np.dtype([("key", "<u8"), ("number", "<i8")])
KEYS = st.lists(st.integers(0, 40), max_size=60)


def rows_of(keys: list[int]) -> Rows:
    rows = np.zeros(len(keys), dtype=ROW)
    rows["key"], rows["number"] = keys, np.arange(len(keys))
    return rows


def listed(parts: Any) -> list[tuple[int, int]]:
    return [tuple(row) for part in parts for row in part.tolist()]


@given(
    st.lists(st.lists(st.integers(0, 40), max_size=9), max_size=9),
    st.sampled_from([1, 40, 1 << 20]),
    st.integers(1, 70),
    st.sampled_from([1, 7, 1 << 16]),
)
def test_rows_come_in_order_of_their_column_again_and_again(
    parts: list[list[int]], held: int, n_bins: int, n_each: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bins, "_HELD_BYTES", held)
        patch.setattr(bins, "_FEWEST_BINS", n_bins)
        patch.setattr(bins, "_RECORDS_EACH", n_each)
        found = Bins(ROW, "key", 41, MemoryShelf())
        expected: list[tuple[int, int]] = []
        for keys in parts:
            part = rows_of(keys)
            part["number"] += len(expected)
            found.add(part)
            expected = sorted([*expected, *listed([part])])
            assert listed(found) == expected
        found.rewrite(lambda rows: rows[rows["key"] % 2 == 0])
        for _ in range(2):
            assert listed(found) == [row for row in expected if row[0] % 2 == 0]


def test_more_rows_than_are_held_wait_on_the_shelf() -> None:
    shelf = MemoryShelf()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bins, "_HELD_BYTES", 16 * 10)
        found = Bins(ROW, "key", 41, shelf)
        for start in range(0, 40, 4):
            found.add(rows_of(list(range(start, start + 4))))
    assert sum(len(shelf.get(place)) for place in range(len(shelf._contents))) >= 16 * 30
    assert [key for key, _ in listed(found)] == list(range(40))


def test_the_whole_range_of_a_number_of_64_bits_has_bins() -> None:
    keys = [0, 1 << 63, (1 << 64) - 1, 5]
    rows = np.zeros(4, dtype=ROW)
    rows["key"] = np.array(keys, dtype=np.uint64)
    found = Bins(ROW, "key", 1 << 64, MemoryShelf(), n_rows=4)
    found.add(rows)
    assert [key for key, _ in listed(found)] == sorted(keys)


def test_sets_of_one_bound_have_the_same_bins() -> None:
    one, other = (Bins(ROW, "key", 41, MemoryShelf()) for _ in range(2))
    one.add(rows_of([3, 40]))
    other.add(rows_of([40, 3, 3]))
    for some, others in zip(one, other, strict=True):
        assert set(some["key"].tolist()) == set(others["key"].tolist())


@given(KEYS, st.integers(1, 9), st.lists(st.integers(0, 41), max_size=6))
def test_rows_below_a_bound_are_taken_once(
    keys: list[int], n_parts: int, bounds: list[int]
) -> None:
    rows = np.sort(rows_of(keys), order="key")
    taken, left = Taken(np.array_split(rows, n_parts), "key"), listed([rows])
    for bound in sorted(bounds):
        found = taken.below(bound)
        expected = [row for row in left if row[0] < bound]
        assert ([] if found is None else listed([found])) == expected
        left = left[len(expected) :]


def test_they_are_those_of_one_list() -> None:
    for n in (0, 1, 65_535, 65_536, 65_537, 200_000):
        for dtype in (np.uint8, np.uint32, np.int64):
            column = np.random.default_rng(n).integers(0, 200, n).astype(dtype)[::-1]
            found = list(plain_numbers(column))
            assert found == column.tolist(), (n, dtype)
            assert {type(one) for one in found} <= {int}
