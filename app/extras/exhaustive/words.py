"""Encodings as rows of 64-bit words."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive.errors import EncodingWidthError

MAX_ENCODING_BYTES = 512  # keeps every count, and the sum of two, within uint16

Words: TypeAlias = NDArray[np.uint64]
"""Encodings of one dataset: uint64, shape (n, n_words), C order, unused bits zero."""


def pack_words(encodings: NDArray[np.uint8]) -> Words:
    """Return encodings of shape (n, n_bytes) as words, padded with zero bytes to whole words."""
    if encodings.ndim != 2 or encodings.dtype != np.uint8:
        raise EncodingWidthError("encodings must be a two-dimensional array of bytes")
    n, n_bytes = encodings.shape
    if not 1 <= n_bytes <= MAX_ENCODING_BYTES:
        raise EncodingWidthError(f"an encoding must have 1 to {MAX_ENCODING_BYTES} bytes")
    padded = np.zeros((n, -(-n_bytes // 8) * 8), dtype=np.uint8)
    padded[:, :n_bytes] = encodings
    return padded.view(np.uint64)


def check_words(words: Words) -> None:
    """Raise EncodingWidthError unless `words` is what `pack_words` returns."""
    if words.ndim != 2 or words.dtype != np.uint64 or not words.flags.c_contiguous:
        raise EncodingWidthError("encodings must be C-contiguous rows of uint64 words")
    if not 1 <= words.shape[1] <= MAX_ENCODING_BYTES // 8:
        raise EncodingWidthError(f"an encoding must have 1 to {MAX_ENCODING_BYTES // 8} words")


def check_same_width(left: Words, right: Words) -> None:
    """Raise EncodingWidthError unless both are words of one width."""
    check_words(left)
    check_words(right)
    if left.shape[1] != right.shape[1]:
        raise EncodingWidthError(
            f"encodings of {left.shape[1] * 64} and {right.shape[1] * 64} bits cannot be compared"
        )


def count_bits(words: Words) -> NDArray[np.uint16]:
    """Return the number of set bits of each encoding."""
    counts: NDArray[np.uint16] = np.bitwise_count(words).sum(axis=1, dtype=np.uint16)
    return counts
