from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.matching.exhaustive import (
    Candidates,
    DatasetError,
    candidates_from_bytes,
    candidates_to_bytes,
)
from app.matching.exhaustive.candidates import (
    best_of_each_pair,
    no_candidates,
    similarity_code,
    similarity_histogram,
    sort_candidates,
)

COUNTS = st.integers(1, 8192).flatmap(lambda t: st.tuples(st.integers(0, t // 2), st.just(t)))
ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), COUNTS), max_size=30, unique_by=lambda r: r[:2]
)


def as_candidates(rows) -> Candidates:
    return Candidates(
        np.array([row[0] for row in rows], dtype=np.uint32),
        np.array([row[1] for row in rows], dtype=np.uint32),
        np.array([row[2][0] for row in rows], dtype=np.uint16),
        np.array([row[2][1] for row in rows], dtype=np.uint16),
    )


def as_rows(pairs: Candidates) -> list:
    counts = zip(pairs.common.tolist(), pairs.total.tolist(), strict=True)
    return list(zip(pairs.left.tolist(), pairs.right.tolist(), counts, strict=True))


def fraction(counts) -> Fraction:
    return Fraction(2 * counts[0], counts[1])


@given(a=COUNTS, b=COUNTS)
def test_similarity_code_orders_as_the_fractions_do(a, b):
    code = similarity_code(np.array([a[0], b[0]], np.uint16), np.array([a[1], b[1]], np.uint16))
    x, y = code.tolist()
    assert (x < y, x == y) == (fraction(a) < fraction(b), fraction(a) == fraction(b))


@given(rows=ROWS)
def test_similarity_orders_as_the_fractions_do(rows):
    pairs = sort_candidates(as_candidates(rows))
    assert np.all(np.diff(pairs.similarity()) <= 0)


@given(rows=ROWS)
def test_sorting_is_by_similarity_then_left_then_right(rows):
    expected = sorted(rows, key=lambda row: (-fraction(row[2]), row[0], row[1]))
    assert as_rows(sort_candidates(as_candidates(rows))) == expected


@given(rows=ROWS)
def test_sorting_by_one_key_or_by_three_is_the_same(rows):
    far = [(row[0] << 29, row[1] << 29, row[2]) for row in rows]
    near = as_rows(sort_candidates(as_candidates(rows)))
    assert as_rows(sort_candidates(as_candidates(far))) == [
        (left << 29, right << 29, counts) for left, right, counts in near
    ]


@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), COUNTS), max_size=30))
def test_best_of_each_pair_keeps_the_most_similar_row(rows):
    best = {}
    for row in rows:
        best[row[:2]] = max(best.get(row[:2], row[2]), row[2], key=lambda c: (fraction(c), c))
    expected = sorted(
        ((*pair, counts) for pair, counts in best.items()),
        key=lambda row: (-fraction(row[2]), row[0], row[1]),
    )
    assert as_rows(best_of_each_pair(as_candidates(rows))) == expected


def test_empty_counts_have_similarity_zero():
    assert as_candidates([(0, 0, (0, 0))]).similarity().tolist() == [0.0]


@given(rows=ROWS)
def test_histogram_counts_each_pair_in_its_step(rows):
    expected = [0] * 20
    for row in rows:
        expected[min(19, int(fraction(row[2]) * 20))] += 1
    assert similarity_histogram(as_candidates(rows)).tolist() == expected


@given(rows=ROWS)
def test_stored_pairs_come_back(rows):
    pairs = sort_candidates(as_candidates(rows))
    assert as_rows(candidates_from_bytes(candidates_to_bytes(pairs))) == as_rows(pairs)


def test_stored_pairs_take_twelve_bytes_each():
    pairs = as_candidates([(0, 0, (5, 10)), (0, 1, (5, 10))])
    assert len(candidates_to_bytes(pairs)) - len(candidates_to_bytes(no_candidates())) == 24


GOOD = candidates_to_bytes(as_candidates([(0, 0, (5, 10)), (0, 1, (4, 10))]))
HEADER = len(b"blindlink/pairs/1\n")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        GOOD[:10],
        b"blindlink/pairs/2\n" + GOOD[HEADER:],
        GOOD[:-1],
        GOOD + b"\0",
        GOOD[:HEADER] + struct.pack("<Q", 3) + GOOD[HEADER + 8 :],
        GOOD[:HEADER] + struct.pack("<Q", 2**63) + GOOD[HEADER + 8 :],
    ],
    ids=["empty", "cut-header", "version", "cut", "trailing", "count", "huge-count"],
)
def test_stored_pairs_of_the_wrong_shape_are_refused(content):
    with pytest.raises(DatasetError):
        candidates_from_bytes(content)


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 0, (4, 10)), (0, 1, (5, 10))],
        [(0, 1, (5, 10)), (0, 0, (5, 10))],
        [(0, 0, (5, 10)), (0, 0, (5, 10))],
        [(0, 0, (6, 10))],
        [(0, 0, (0, 0))],
    ],
    ids=["similarity-order", "index-order", "twice", "impossible", "empty"],
)
def test_stored_pairs_that_contradict_themselves_are_refused(rows):
    with pytest.raises(DatasetError):
        candidates_from_bytes(candidates_to_bytes(as_candidates(rows)))


def test_pairs_do_not_show_in_a_repr():
    assert "5" not in repr(as_candidates([(5, 5, (5, 10))])).split(" at ")[0]
