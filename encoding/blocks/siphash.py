"""SipHash-2-4 of 8-byte messages under many keys at once.

It is the keyed hash that a row asks value by value: a stream cannot be indexed by what a name consists of.
Source: Aumasson and Bernstein (2012), "SipHash: a fast short-input PRF", INDOCRYPT 2012.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Words64 = NDArray[np.uint64]

# The words of so many messages at a time stay in a processor's cache.
TILE: Final = 1 << 14


def _number(value: int) -> Words64:
    # An array of no dimension, since numpy takes twice as long over one of its scalars.
    return np.array(value, dtype=np.uint64)


_INIT: Final = tuple(
    map(_number, (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573))
)
# The last block holds the message's length in its highest byte, and nothing else of 8 bytes.
_LAST_BLOCK: Final = _number(8 << 56)
_FINISH: Final = _number(0xFF)
_TURNS: Final = {bits: (_number(bits), _number(64 - bits)) for bits in (13, 16, 17, 21, 32)}


def siphash(key: Words64, key_high: Words64, message: Words64) -> Words64:
    """Return SipHash-2-4 of each message as a number.

    Args:
        key: the first 8 bytes of each key as a little-endian number.
        key_high: the last 8 bytes of it.
        message: the 8 bytes of each message as a little-endian number; all three of one length.
    """
    hashed = np.empty(len(message), dtype=np.uint64)
    scratch = np.empty((5, min(TILE, len(message))), dtype=np.uint64)
    for start in range(0, len(message), TILE):
        here = slice(start, start + TILE)
        n = len(message[here])
        words = [word[:n] for word in scratch]
        for word, half, init in zip(words, (key, key_high, key, key_high), _INIT, strict=False):
            np.bitwise_xor(half[here], init, word)
        _hash(words, message[here], hashed[here])
    return hashed


def _hash(words: list[Words64], message: Words64, hashed: Words64) -> None:
    """Hash messages into `hashed`, from the four words of each key and a spare one."""
    v0, v1, v2, v3, _ = words
    v3 ^= message
    _rounds(2, words)
    v0 ^= message
    v3 ^= _LAST_BLOCK
    _rounds(2, words)
    v0 ^= _LAST_BLOCK
    v2 ^= _FINISH
    _rounds(4, words)
    v0 ^= v1
    v0 ^= v2
    np.bitwise_xor(v0, v3, hashed)


def _rounds(n: int, words: list[Words64]) -> None:
    v0, v1, v2, v3, spare = words
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
    left, right = _TURNS[bits]
    np.right_shift(word, right, spare)
    np.left_shift(word, left, word)
    np.bitwise_or(word, spare, word)
