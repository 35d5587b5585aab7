from __future__ import annotations

import numpy as np
import pytest
from rigs.refused_calls import refuses

from app.extras.exhaustive import EncodingWidthError, pack_words
from app.extras.exhaustive.words import check_same_width, check_words, count_bits


def test_words_hold_the_bytes_of_each_encoding_in_order():
    encodings = np.arange(32, dtype=np.uint8).reshape(2, 16)
    assert pack_words(encodings).view(np.uint8).tolist() == encodings.tolist()


def test_words_are_padded_with_zero_bytes():
    for n_bytes in (1, 7, 8, 9, 125, 128, 512):
        encodings = np.full((3, n_bytes), 255, dtype=np.uint8)
        words = pack_words(encodings)
        assert words.shape == (3, -(-n_bytes // 8))
        assert count_bits(words).tolist() == [8 * n_bytes] * 3
    assert pack_words(np.empty((0, 128), dtype=np.uint8)).shape == (0, 16)


def test_what_is_not_rows_of_bytes_or_words_of_one_width_is_refused():
    encodings = {
        "no bytes": np.zeros((2, 0), dtype=np.uint8),
        "too wide": np.zeros((2, 513), dtype=np.uint8),
        "one dimension": np.zeros(8, dtype=np.uint8),
        "not bytes": np.zeros((2, 8), dtype=np.int8),
    }
    for name, rows in encodings.items():
        with refuses(EncodingWidthError, name):
            pack_words(rows)
    words = {
        "strided": np.zeros((4, 4), dtype=np.uint64)[:, ::2],
        "signed": np.zeros((4, 4), dtype=np.int64),
        "too wide": np.zeros((4, 65), dtype=np.uint64),
        "no words": np.zeros((4, 0), dtype=np.uint64),
    }
    for name, rows in words.items():
        with refuses(EncodingWidthError, name):
            check_words(rows)
    with pytest.raises(EncodingWidthError, match="64 and 128 bits"):
        check_same_width(np.zeros((1, 1), dtype=np.uint64), np.zeros((1, 2), dtype=np.uint64))
