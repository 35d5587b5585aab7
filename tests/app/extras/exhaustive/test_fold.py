from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples.encodings import THRESHOLDS, encodings, seeded_rows
from twins.dice import all_duplicates, all_pairs, as_bytes

from app.extras.exhaustive import pack_words
from app.extras.exhaustive.comparison import Comparison, prepare_comparison
from app.extras.exhaustive.fold import fold
from app.extras.exhaustive.fold_choice import choose_fold
from app.extras.exhaustive.kernels import load_kernel
from app.extras.exhaustive.limits import make_limits

FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(data=st.data(), n_words=st.integers(1, 8))
def test_a_fold_never_adds_to_a_distance(data, n_words):
    """For every width: what the signatures rule out, the encodings rule out."""
    rows = data.draw(encodings(64 * n_words, max_size=8))
    words = pack_words(as_bytes(rows, 8 * n_words))
    for width in range(1, 2 * n_words + 1):
        folded = fold(words, width)
        distance = np.bitwise_count(folded[:, None] ^ folded[None]).sum(axis=2)
        for i, x in enumerate(rows):
            for j, y in enumerate(rows):
                assert distance[i, j] <= (x ^ y).bit_count()


@given(data=st.data(), n_words=st.integers(1, 8))
def test_a_fold_of_full_width_is_the_encoding(data, n_words):
    rows = data.draw(encodings(64 * n_words, max_size=4))
    words = pack_words(as_bytes(rows, 8 * n_words))
    assert fold(words, 2 * n_words).tolist() == words.view(np.uint32).tolist()


def found_pairs(comparison: Comparison, kernel: str) -> set[tuple[int, int]]:
    left, right = comparison.left, comparison.right
    return {
        (int(left.order[i]), int(right.order[j]))
        for rows, columns, _ in load_kernel(kernel).open(comparison).find_pairs(0, len(left))
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
    }


@FIXTURE
@given(data=st.data(), n_words=st.integers(1, 6), threshold=THRESHOLDS)
def test_no_width_of_the_fold_loses_a_pair(kernel, data, n_words, threshold):
    left, right = (data.draw(encodings(64 * n_words)) for _ in range(2))
    a, b = (pack_words(as_bytes(rows, 8 * n_words)) for rows in (left, right))
    limits = make_limits(threshold, 64 * n_words)
    across = {(p.left, p.right) for p in all_pairs(left, right, threshold)}
    within = {(p.left, p.right) for p in all_duplicates(left, threshold)}
    step = load_kernel(kernel).fold_step
    for width in range(step, 2 * n_words + 1, step):
        assert found_pairs(prepare_comparison(a, b, limits, width), kernel) == across
        twice = found_pairs(prepare_comparison(a, None, limits, width), kernel)
        assert {(min(pair), max(pair)) for pair in twice} == within


def test_every_width_of_the_fold_finds_the_pairs_of_full_width(kernel):
    """Several blocks and rows that do not fill one, at the widths that the search can choose."""
    step = load_kernel(kernel).fold_step
    for n_words, percent in product((1, 2, 3, 16, 17, 63, 64), (59, 70, 75, 90, 95)):
        n_bits = 64 * n_words
        left, right = seeded_rows(201, n_bits, 0.3, seed=n_words, noise=(100 - percent) / 165)
        a, b = pack_words(left), pack_words(right)
        limits = make_limits(Fraction(percent, 100), n_bits)
        exact = found_pairs(prepare_comparison(a, b, limits, 2 * n_words), "numpy")
        assert exact, (n_words, percent)
        for width in {step, 2 * step, max(step, n_words // step * step), 2 * n_words}:
            if width <= 2 * n_words:
                found = found_pairs(prepare_comparison(a, b, limits, width), kernel)
                assert found == exact, (n_words, percent, width)


@pytest.mark.parametrize(
    ("fill", "percent", "shortest", "longest"), [(0.26, 90, 3, 10), (0.5, 59, 24, 32)]
)
def test_sparse_encodings_are_folded_and_dense_ones_are_not(
    kernel, fill, percent, shortest, longest
):
    left, right = (pack_words(rows) for rows in seeded_rows(3000, 1024, fill, seed=4))
    limits = make_limits(Fraction(percent, 100), 1024)
    assert shortest <= choose_fold(left, right, limits, load_kernel(kernel)) <= longest


def test_survivors_include_every_pair(kernel):
    left, right = (pack_words(rows) for rows in seeded_rows(300, 512, 0.3, seed=6))
    comparison = prepare_comparison(left, right, make_limits(Fraction(4, 5), 512), 4)
    n_survivors = load_kernel(kernel).open(comparison).count_survivors()
    assert n_survivors >= len(found_pairs(comparison, kernel)) > 0
