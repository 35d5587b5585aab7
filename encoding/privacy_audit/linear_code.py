"""Attack A5: find the secret of a linear hardening from the encodings alone.

Under `eld1` every encoding is a sum of rows of one secret matrix, so all of them lie in a linear code of at
most `clk_bits` dimensions. The rows themselves are codewords of far lower weight than a random code has, and
are found by information-set decoding: in a random basis, add up as few rows as possible. Source: Stern (1989),
"A method for finding codewords of small weight"; here sums of up to four rows are met in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
"""Shape (n, words), C order; bit i of a row is bit i of its bytes, most significant first, zero-padded."""
Bits = NDArray[np.uint8]
"""Shape (n, bits), 0 and 1."""
PackedBits = NDArray[np.uint8]
"""Shape (n, bytes); bit i is byte i // 8, mask 0x80 >> i % 8."""


def pack_rows(bits: Bits) -> Words:
    """Return rows of bits as words."""
    packed = np.packbits(bits, axis=1)
    padded = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8)))
    return np.ascontiguousarray(padded).view(np.uint64)


def unpack_rows(words: Words, n_bits: int) -> Bits:
    """Return rows of words as bits."""
    return np.unpackbits(words.view(np.uint8), axis=1, count=n_bits)


def row_reduce(words: Words, order: Iterable[int]) -> NDArray[np.intp]:
    """Bring rows into reduced echelon form in place; the rows beyond the rank become zero in these columns."""
    by_byte = words.view(np.uint8)
    pivots: list[int] = []
    for column in order:
        rank = len(pivots)
        if rank == len(words):
            break
        is_set = np.flatnonzero(by_byte[:, column >> 3] & (0x80 >> (column & 7)))
        place = int(np.searchsorted(is_set, rank))
        if place == len(is_set):
            continue
        pivot = words[is_set[place]].copy()
        # Clears the pivot's own row too, which then takes what stood in its new place.
        words[is_set] ^= pivot
        words[is_set[place]] = words[rank]
        words[rank] = pivot
        pivots.append(column)
    return np.array(pivots, dtype=np.intp)


# So many encodings more than dimensions: random bits would have to depend on each other by chance 32 times.
_SURPLUS = 32
_MAX_ROUNDS, _MAX_IDLE_ROUNDS = 64, 8
# Chance codewords of the sought weight that a random code of these dimensions may have.
_CHANCE_WORDS = 2.0**-20


def attack_linear_code(encodings: PackedBits, *, clk_bits: int, taps: int, seed: int = 1) -> Bits:
    """Return the rows of the secret matrix that are found, as bits; in which order, no attack needs to know.

    Needs some 1,100 encodings of 1,024-bit filters, and encodings that are longer than the filters; where there
    are fewer, or nothing but chance, nothing is found. With the rows, what was encoded is known, too: which of
    them add up to an encoding says which positions of its filter are set.
    """
    bits = np.unpackbits(encodings, axis=1)
    n_bits = bits.shape[1]
    basis = pack_rows(bits)
    rank = len(row_reduce(basis, range(n_bits)))
    most = row_weight(clk_bits, n_bits, taps)
    if len(encodings) - rank < _SURPLUS or not _is_telling(n_bits, rank, most):
        return np.empty((0, n_bits), dtype=np.uint8)
    return low_words(
        basis[:rank].copy(), n_bits, most, enough=clk_bits, random=np.random.default_rng(seed)
    )


def row_weight(clk_bits: int, n_bits: int, taps: int) -> int:
    """Return in how many output bits a filter position is at most: positions are used in turn."""
    return -(-taps * n_bits // clk_bits)


def low_words(
    basis: Words, n_bits: int, most: int, *, enough: int, random: np.random.Generator
) -> Bits:
    """Return codewords of weight 1 to `most`, as bits, each once, in order of their bytes."""
    found: set[bytes] = set()
    n_rounds = idle = 0
    # So wide that few of the n^4 / 8 pairs of pairs of rows agree in it by chance.
    width = math.ceil(4 * math.log2(len(basis) + 1))
    while len(found) < enough and idle < _MAX_IDLE_ROUNDS and n_rounds < _MAX_ROUNDS:
        before = len(found)
        order = random.permutation(n_bits)
        pivots = row_reduce(basis, order.tolist())
        window = order[~np.isin(order, pivots)][:width]
        words = np.ascontiguousarray(short_sums(basis, window, most))
        found.update(words.view(f"V{words.itemsize * words.shape[1]}")[:, 0].tolist())
        idle = idle + 1 if len(found) == before else 0
        n_rounds += 1
    each = np.frombuffer(b"".join(sorted(found)), dtype=np.uint64).reshape(-1, basis.shape[1])
    return unpack_rows(each, n_bits)


def short_sums(rows: Words, window: NDArray[np.intp], most: int) -> Words:
    """Return sums of one to four rows that are zero in the window and have a weight of 1 to `most`.

    Pairs of rows are sorted by what they have in the window; neighbours that agree make a sum.
    """
    by_byte, n = rows.view(np.uint8), len(rows)
    # One row of zeros more, so that a pair may be one row, or none.
    key = np.zeros(n + 1, dtype=np.uint64)
    for place, column in enumerate(window.tolist()):
        is_set = by_byte[:, column >> 3] >> (7 - (column & 7)) & 1
        key[:n] |= is_set.astype(np.uint64) << np.uint64(place)
    one, other = np.triu_indices(n + 1, k=1)
    one, other = np.append(one, n), np.append(other, n)
    sums = key[one] ^ key[other]
    order = np.argsort(sums, kind="stable")
    agree = np.flatnonzero(sums[order[1:]] == sums[order[:-1]])
    a, b = order[agree], order[agree + 1]
    padded = np.vstack([rows, np.zeros_like(rows, shape=(1, rows.shape[1]))])
    words = padded[one[a]] ^ padded[other[a]] ^ padded[one[b]] ^ padded[other[b]]
    weight = np.bitwise_count(words).sum(axis=1)
    return np.asarray(words[(weight > 0) & (weight <= most)], dtype=np.uint64)


def _is_telling(n_bits: int, rank: int, most: int) -> bool:
    """Return whether a random code of this rank would have next to no words of such weights."""
    n_words = sum(math.comb(n_bits, weight) for weight in range(1, most + 1))
    return math.log2(n_words) - (n_bits - rank) < math.log2(_CHANCE_WORDS)
