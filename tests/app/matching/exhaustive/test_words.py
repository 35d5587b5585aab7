from __future__ import annotations

import numpy as np
import pytest

from app.matching.exhaustive import EncodingWidthError, pack_words
from app.matching.exhaustive.words import check_same_width, check_words, count_bits


def test_words_hold_the_bytes_of_each_encoding_in_order():
    encodings = np.arange(32, dtype=np.uint8).reshape(2, 16)
    assert pack_words(encodings).view(np.uint8).tolist() == encodings.tolist()


@pytest.mark.parametrize("n_bytes", [1, 7, 8, 9, 125, 128, 512])
def test_words_are_padded_with_zero_bytes(n_bytes):
    encodings = np.full((3, n_bytes), 255, dtype=np.uint8)
    words = pack_words(encodings)
    assert words.shape == (3, -(-n_bytes // 8))
    assert count_bits(words).tolist() == [8 * n_bytes] * 3


def test_no_encodings_are_no_words():
    assert pack_words(np.empty((0, 128), dtype=np.uint8)).shape == (0, 16)


@pytest.mark.parametrize(
    "encodings",
    [
        np.zeros((2, 0), dtype=np.uint8),
        np.zeros((2, 513), dtype=np.uint8),
        np.zeros(8, dtype=np.uint8),
        np.zeros((2, 8), dtype=np.int8),
    ],
    ids=["no-bytes", "too-wide", "one-dimension", "not-bytes"],
)
def test_what_is_not_rows_of_bytes_is_refused(encodings):
    with pytest.raises(EncodingWidthError):
        pack_words(encodings)


@pytest.mark.parametrize(
    "words",
    [
        np.zeros((4, 4), dtype=np.uint64)[:, ::2],
        np.zeros((4, 4), dtype=np.int64),
        np.zeros((4, 65), dtype=np.uint64),
        np.zeros((4, 0), dtype=np.uint64),
    ],
    ids=["strided", "signed", "too-wide", "no-words"],
)
def test_arrays_that_are_not_words_are_refused(words):
    with pytest.raises(EncodingWidthError):
        check_words(words)


def test_different_widths_are_refused():
    with pytest.raises(EncodingWidthError, match="64 and 128 bits"):
        check_same_width(np.zeros((1, 1), dtype=np.uint64), np.zeros((1, 2), dtype=np.uint64))
