"""eld1, the hardening that was broken: one bit at a time, and many at once as a target of attacks."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


class Stream:
    """32-bit words of SHAKE-256, asked for one by one from the beginning."""

    def __init__(self, key: bytes, clk_bits: int, output_bits: int, taps: int) -> None:
        numbers = b"".join(number.to_bytes(4, "big") for number in (clk_bits, output_bits, taps))
        self._shake = hashlib.shake_256(b"blindlink/v1/eld1\n" + numbers + key)
        self._bytes = self._shake.digest(8 * output_bits * taps + 4096)
        self._at = 0

    def below(self, bound: int) -> int:
        """Return the next number below `bound`."""
        while True:
            word = int.from_bytes(self._bytes[self._at : self._at + 4], "little")
            self._at += 4
            if self._at > len(self._bytes):
                raise AssertionError("the oracle's stream is too short")
            if word < 2**32 - 2**32 % bound:
                return word % bound


def positions(key: bytes, clk_bits: int, output_bits: int, taps: int) -> list[list[int]]:
    """Return the positions that are XORed into each output bit."""
    stream = Stream(key, clk_bits, output_bits, taps)
    pool: list[int] = []
    every: list[list[int]] = []
    for _ in range(output_bits):
        drawn: list[int] = []
        while len(drawn) < taps:
            if pool == []:
                pool = list(range(clk_bits))
            p = stream.below(len(pool))
            if pool[p] in drawn:
                continue
            last = len(pool) - 1
            pool[p], pool[last] = pool[last], pool[p]
            drawn.append(pool.pop())
        every.append(drawn)
    return every


def encode(clk: bytes, every: list[list[int]]) -> bytes:
    """Return the encoding of one CLK."""
    encoding = bytearray((len(every) + 7) // 8)
    for j, drawn in enumerate(every):
        bit = 0
        for position in drawn:
            bit ^= clk[position // 8] >> (7 - position % 8) & 1
        encoding[j // 8] |= bit << (7 - j % 8)
    return bytes(encoding)


def matrix(key: bytes, clk_bits: int, output_bits: int, taps: int) -> NDArray[np.intp]:
    """Return the positions of each output bit as an array."""
    return np.array(positions(key, clk_bits, output_bits, taps), dtype=np.intp)


def diffuse(filters: NDArray[np.uint8], taps: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return the encodings of many CLKs at once."""
    bits = np.unpackbits(filters, axis=1)
    return np.packbits(np.bitwise_xor.reduce(bits[:, taps], axis=2), axis=1)
