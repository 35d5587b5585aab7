"""Hardening `eld1`: each bit of an encoding is the XOR of a few keyed positions of the CLK.

Spec page: `schemas/spec/eld1.md`; vectors: `schemas/vectors/eld1.json`.
Source: Armknecht, Heng and Schnell (2023), "Strengthening privacy-preserving record linkage using
diffusion", PoPETs 2023(2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from encoding.errors import DiffusionError, EncodingWeightError

KEY_BYTES = 32
MAX_BITS = 1 << 16
MIN_TAPS, MAX_TAPS = 2, 16

_DOMAIN = b"blindlink/v1/eld1\n"
_WORD_RANGE = 1 << 32
_FIRST_WORDS = 1 << 14
# Rows at a time: 512 filters of 1,024 bits, one bit a byte, are 512 KiB and stay in a processor's cache.
_BLOCK_ROWS = 512

PackedBits = NDArray[np.uint8]
"""Shape (n, ceil(bits / 8)); bit i is byte i // 8, mask 0x80 >> i % 8."""


@dataclass(frozen=True, slots=True, eq=False)
class DiffusionMatrix:
    """Which positions of a CLK are XORed into each bit of the encoding; as secret as its key.

    Attributes:
        clk_bits: length of the CLK.
        taps: shape (output_bits, t), the positions of each output bit, all different within a row.
    """

    clk_bits: int
    taps: NDArray[np.intp] = field(repr=False)

    @property
    def output_bits(self) -> int:
        """Length of the encoding."""
        return len(self.taps)


def diffusion_matrix(key: bytes, *, clk_bits: int, output_bits: int, taps: int) -> DiffusionMatrix:
    """Return the matrix of a diffusion sub-key.

    Args:
        key: 32 bytes.
        clk_bits: length of the CLK, a multiple of 8.
        output_bits: length of the encoding, a multiple of 8.
        taps: how many positions are XORed into one bit (t), from 2 to 16.
    Raises:
        DiffusionError: a parameter is out of range.
    """
    if len(key) != KEY_BYTES:
        raise DiffusionError(f"the diffusion key must have {KEY_BYTES} bytes")
    if not MIN_TAPS <= taps <= min(MAX_TAPS, clk_bits):
        raise DiffusionError(f"diffusion takes {MIN_TAPS} to {MAX_TAPS} positions a bit")
    if not all(8 <= bits <= MAX_BITS and bits % 8 == 0 for bits in (clk_bits, output_bits)):
        raise DiffusionError(f"diffusion takes whole bytes, up to {MAX_BITS} bits")
    words = _words(key, clk_bits, output_bits, taps)
    drawn = list(_draw(words, clk_bits, output_bits, taps))
    return DiffusionMatrix(clk_bits, np.array(drawn, dtype=np.intp))


def diffuse(filters: PackedBits, matrix: DiffusionMatrix) -> PackedBits:
    """Return the hardened encodings of CLKs.

    Args:
        filters: shape (n, clk_bits / 8).
    Returns:
        Shape (n, output_bits / 8).
    Raises:
        DiffusionError: the filters do not have the length that the matrix is for.
    """
    if filters.dtype != np.uint8 or filters.ndim != 2 or filters.shape[1] * 8 != matrix.clk_bits:
        raise DiffusionError("the CLKs do not have the length that the hardening is for")
    encodings = np.empty((len(filters), matrix.output_bits // 8), dtype=np.uint8)
    for start in range(0, len(filters), _BLOCK_ROWS):
        block = filters[start : start + _BLOCK_ROWS]
        encodings[start : start + _BLOCK_ROWS] = _diffuse_block(block, matrix.taps)
    return encodings


def weights(encodings: PackedBits) -> NDArray[np.int64]:
    """Return how many bits are set in each encoding."""
    counts: NDArray[np.int64] = np.bitwise_count(encodings).sum(axis=1, dtype=np.int64)
    return counts


def outside_window(encodings: PackedBits, window: tuple[int, int]) -> NDArray[np.intp]:
    """Return the rows whose weight is not within `window`, both ends included.

    Args:
        window: least and largest weight, as `schemas.profile.weight_window` gives them.
    """
    weight = weights(encodings)
    return np.flatnonzero((weight < window[0]) | (weight > window[1]))


def check_weights(encodings: PackedBits, window: tuple[int, int]) -> None:
    """Raise EncodingWeightError unless every weight is within `window`, as the broker will ask."""
    n_outside = len(outside_window(encodings, window))
    if n_outside:
        raise EncodingWeightError(
            f"{n_outside} encodings have too few or too many bits set for their hardening",
            hint="rows with too little in them make such encodings; leave them out",
        )


def _words(key: bytes, clk_bits: int, output_bits: int, taps: int) -> Iterator[int]:
    """Yield the stream as 32-bit little-endian words; it does not end."""
    stream = hashlib.shake_256(
        _DOMAIN + b"".join(n.to_bytes(4, "big") for n in (clk_bits, output_bits, taps)) + key
    )
    start, end = 0, _FIRST_WORDS
    while True:
        # hashlib gives SHAKE only from its start; each longer answer begins with the one before.
        yield from np.frombuffer(stream.digest(4 * end), dtype="<u4")[start:].tolist()
        start, end = end, 2 * end


def _draw(words: Iterator[int], clk_bits: int, output_bits: int, taps: int) -> Iterator[list[int]]:
    """Yield the positions of each output bit, drawn without replacement until the pool is empty."""
    pool: list[int] = []
    for _ in range(output_bits):
        drawn: list[int] = []
        while len(drawn) < taps:
            if not pool:
                pool = list(range(clk_bits))
            place = _below(words, len(pool))
            # Only a set that spans two pools can meet a position again: draw anew, it stays in the pool.
            if pool[place] not in drawn:
                pool[place], pool[-1] = pool[-1], pool[place]
                drawn.append(pool.pop())
        yield drawn


def _below(words: Iterator[int], bound: int) -> int:
    """Return a uniform number below `bound`: words above the last whole multiple are left out."""
    limit = _WORD_RANGE - _WORD_RANGE % bound
    word = next(words)
    while word >= limit:
        word = next(words)
    return word % bound


def _diffuse_block(filters: PackedBits, taps: NDArray[np.intp]) -> PackedBits:
    # One packed row of records a filter position, so that an output bit is t XORs of whole rows.
    by_position = np.packbits(np.unpackbits(filters, axis=1).T, axis=1)
    by_output = by_position[taps[:, 0]]
    for place in range(1, taps.shape[1]):
        by_output ^= by_position[taps[:, place]]
    return np.packbits(np.unpackbits(by_output, axis=1, count=len(filters)).T, axis=1)
