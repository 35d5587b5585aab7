"""SipHash-2-4 of 8-byte messages under many keys at once.

It is the keyed hash that a row asks value by value: a stream cannot be indexed by what a name consists of.
Source: Aumasson and Bernstein (2012), "SipHash: a fast short-input PRF", INDOCRYPT 2012.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Words64 = NDArray[np.uint64]

_INIT: Final = (
    0x736F6D6570736575,
    0x646F72616E646F6D,
    0x6C7967656E657261,
    0x7465646279746573,
)
# The last block holds the message's length in its highest byte, and nothing else of 8 bytes.
_LAST_BLOCK: Final = np.uint64(8 << 56)


def siphash(key: Words64, key_high: Words64, message: Words64) -> Words64:
    """Return SipHash-2-4 of each message as a number.

    Args:
        key: the first 8 bytes of each key as a little-endian number.
        key_high: the last 8 bytes of it.
        message: the 8 bytes of each message as a little-endian number; all three of one shape.
    """
    words = [
        key ^ np.uint64(_INIT[0]),
        key_high ^ np.uint64(_INIT[1]),
        key ^ np.uint64(_INIT[2]),
        key_high ^ np.uint64(_INIT[3]),
    ]
    spare = np.empty_like(words[0])
    words[3] ^= message
    _rounds(2, words, spare)
    words[0] ^= message
    words[3] ^= _LAST_BLOCK
    _rounds(2, words, spare)
    words[0] ^= _LAST_BLOCK
    words[2] ^= np.uint64(0xFF)
    _rounds(4, words, spare)
    words[0] ^= words[1]
    words[0] ^= words[2]
    words[0] ^= words[3]
    return words[0]


def _rounds(n: int, words: list[Words64], spare: Words64) -> None:
    v0, v1, v2, v3 = words
    for _ in range(n):
        v0 += v1
        _rotate(v1, 13, spare)
        v1 ^= v0
        _rotate(v0, 32, spare)
        v2 += v3
        _rotate(v3, 16, spare)
        v3 ^= v2
        v0 += v3
        _rotate(v3, 21, spare)
        v3 ^= v0
        v2 += v1
        _rotate(v1, 17, spare)
        v1 ^= v2
        _rotate(v2, 32, spare)


def _rotate(word: Words64, bits: int, spare: Words64) -> None:
    np.right_shift(word, np.uint64(64 - bits), out=spare)
    np.left_shift(word, np.uint64(bits), out=word)
    word |= spare
