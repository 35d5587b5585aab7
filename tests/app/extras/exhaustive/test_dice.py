from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples.encodings import THRESHOLDS, boundary_pair, encodings, seeded_rows
from twins.dice import all_pairs, as_bytes

import app.extras.exhaustive.dice as dice_module
from app.extras.exhaustive import (
    Candidates,
    EncodingWidthError,
    PairCapError,
    ThresholdError,
    dice_candidates,
    pack_words,
)

FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_rows(pairs: Candidates) -> list[tuple[int, int, int, int]]:
    arrays = (pairs.left, pairs.right, pairs.common, pairs.total)
    return list(zip(*(array.tolist() for array in arrays), strict=True))


def words(rows: np.ndarray) -> np.ndarray:
    return pack_words(np.packbits(rows, axis=1))


@FIXTURE
@given(data=st.data(), n_bytes=st.integers(1, 40), threshold=THRESHOLDS)
def test_candidates_are_those_of_the_slow_twin(kernel, data, n_bytes, threshold):
    left, right = (data.draw(encodings(n_bytes * 8)) for _ in range(2))
    found = dice_candidates(
        pack_words(as_bytes(left, n_bytes)),
        pack_words(as_bytes(right, n_bytes)),
        threshold,
        kernel=kernel,
    )
    assert as_rows(found) == all_pairs(left, right, threshold)


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    left, right = seeded_rows(3000, 1024, 0.26, seed=5)
    return pack_words(left), pack_words(right)


@pytest.fixture(scope="module")
def exact(rows) -> dict[Fraction, list[tuple[int, int, int, int]]]:
    """All pairs by brute force, for files large enough to be folded and tiled."""
    left, right = (np.unpackbits(side.view(np.uint8), axis=1).astype(np.float32) for side in rows)
    common = (left @ right.T).astype(np.int64)
    total = (left.sum(1)[:, None] + right.sum(1)[None, :]).astype(np.int64)
    found = {}
    for threshold in (Fraction(7, 10), Fraction(4, 5), Fraction(17, 20), Fraction(9, 10)):
        i, j = np.nonzero(common * 2 * threshold.denominator >= threshold.numerator * total)
        pairs = zip(
            i.tolist(), j.tolist(), common[i, j].tolist(), total[i, j].tolist(), strict=True
        )
        found[threshold] = sorted(pairs, key=lambda p: (-Fraction(2 * p[2], p[3]), p[0], p[1]))
    return found


def test_every_width_has_its_boundary_pairs(kernel):
    """Pairs at the threshold and one bit to either side, for every word count."""
    for n_words in range(1, 65):
        rng = np.random.default_rng(n_words)
        n_bits = n_words * 64
        for percent in (Fraction(75), Fraction(95), Fraction(90), Fraction(590001, 10000)):
            threshold, pairs, expected = percent / 100, [], []
            for total in rng.integers(2, 2 * n_bits, size=12).tolist():
                needed = -(-threshold.numerator * total // (2 * threshold.denominator))
                for common in (needed - 1, needed, needed + 1):
                    if 0 <= common <= min(total // 2, n_bits) and total - common <= n_bits:
                        expected.append(common >= needed)
                        pairs.append(boundary_pair(rng, n_bits, common, total))
            left, right = (words(np.array(side)) for side in zip(*pairs, strict=True))
            found = dice_candidates(left, right, threshold, kernel=kernel)
            diagonal = {i for i, j, _, _ in as_rows(found) if i == j}
            assert diagonal == {i for i, is_in in enumerate(expected) if is_in}, n_words


def test_larger_files_give_the_brute_force_pairs(kernel, rows, exact):
    for threshold, expected in exact.items():
        for n_threads in (1, 2, 3):
            found = dice_candidates(*rows, threshold, kernel=kernel, n_threads=n_threads)
            assert as_rows(found) == expected, (threshold, n_threads)


def test_the_size_of_strips_changes_nothing(kernel, rows, monkeypatch):
    left, right = rows[0][:500], rows[1][:800]
    expected = as_rows(dice_candidates(left, right, Fraction(1, 2), kernel=kernel))
    for strip_rows in (1, 3, 64, 500):
        monkeypatch.setattr(dice_module, "STRIP_ROWS", strip_rows)
        found = dice_candidates(left, right, Fraction(1, 2), kernel=kernel, n_threads=2)
        assert as_rows(found) == expected, strip_rows


def test_an_empty_side_has_no_pairs_and_other_widths_or_thresholds_are_refused(kernel):
    half = Fraction(1, 2)
    for shape in ((0, 5), (5, 0), (0, 0)):
        left, right = (np.ones((n, 3), dtype=np.uint64) for n in shape)
        assert len(dice_candidates(left, right, half, kernel=kernel)) == 0, shape
    narrow, wide = np.ones((2, 1), dtype=np.uint64), np.ones((2, 2), dtype=np.uint64)
    with pytest.raises(EncodingWidthError):
        dice_candidates(narrow, wide, half, kernel=kernel)
    with pytest.raises(ThresholdError):
        dice_candidates(narrow, narrow, 0.8, kernel=kernel)


def test_the_cap_stops_equal_records_early_and_is_exact(kernel):
    equal = np.full((20_000, 16), 0x5555555555555555, dtype=np.uint64)
    told = r"more than 1,000 pairs reach the threshold 0\.8;"
    for n_threads in (1, 2):
        with pytest.raises(PairCapError, match=told):
            dice_candidates(
                equal, equal, Fraction(4, 5), kernel=kernel, n_threads=n_threads, max_pairs=1000
            )
    few = np.ones((30, 2), dtype=np.uint64)
    assert len(dice_candidates(few, few, Fraction(1), kernel=kernel, max_pairs=900)) == 900
    with pytest.raises(PairCapError):
        dice_candidates(few, few, Fraction(1), kernel=kernel, max_pairs=899)
