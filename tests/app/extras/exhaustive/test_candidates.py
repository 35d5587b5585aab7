from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.extras.exhaustive import Candidates
from app.extras.exhaustive.candidates import similarity_code, sort_candidates

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


def test_empty_counts_have_similarity_zero():
    assert as_candidates([(0, 0, (0, 0))]).similarity().tolist() == [0.0]


def test_pairs_do_not_show_in_a_repr():
    assert "5" not in repr(as_candidates([(5, 5, (5, 10))])).split(" at ")[0]
