"""The attacks on linear hardenings as plain loops: rows are Python integers, bit i from the left is bit i."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations


def as_integers(bits: Iterable[Iterable[int]]) -> list[int]:
    """Return rows of bits as integers."""
    return [int("".join(map(str, row)) or "0", 2) for row in bits]


def reduce_rows(
    rows: Sequence[int], n_bits: int, order: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Return the reduced echelon form, without its zero rows, and the pivots in order."""
    left = list(rows)
    done: list[int] = []
    pivots: list[int] = []
    for column in order:
        mask = 1 << (n_bits - 1 - column)
        pivot = next((row for row in left if row & mask), None)
        if pivot is None:
            continue
        left.remove(pivot)
        left = [row ^ pivot if row & mask else row for row in left]
        done = [row ^ pivot if row & mask else row for row in done]
        done.append(pivot)
        pivots.append(column)
    return done, pivots


def codewords(rows: Sequence[int]) -> set[int]:
    """Return every sum of rows."""
    words = {0}
    for row in rows:
        words |= {word ^ row for word in words}
    return words


def short_sums(rows: Sequence[int], n_bits: int, window: Sequence[int], most: int) -> set[int]:
    """Return every sum of one to four rows that is zero in the window and has a weight of 1 to `most`."""
    masks = sum(1 << (n_bits - 1 - column) for column in window)
    found = set()
    for size in range(1, 5):
        for chosen in combinations(rows, size):
            word = 0
            for row in chosen:
                word ^= row
            if not word & masks and 1 <= word.bit_count() <= most:
                found.add(word)
    return found


def near_pairs(rows: Sequence[int], n_bits: int) -> list[tuple[int, int]]:
    """Return every two rows that differ, but in at most 35 % of the bits."""
    return [
        (one, other)
        for one, other in combinations(range(len(rows)), 2)
        if 0 < (rows[one] ^ rows[other]).bit_count() <= 0.35 * n_bits
    ]
