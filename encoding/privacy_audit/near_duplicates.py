"""Attack A6: find the secret of a linear hardening from records that are nearly the same.

Two nearly equal records, such as variants and corrections, differ in few filter bits. Each of these flips all
output bits that use it, so output bits that share a filter position flip together more often than others do.
The output bits of one position are all linked with each other: a row of the secret matrix is a clique. This
works, too, where encodings are no longer than filters, so that there is no redundancy for `linear_code`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.gf2 import PackedBits
from encoding.privacy_audit.linear_code import row_weight

# Strangers differ in half of the output bits, give or take some hundredths.
_NEAR = 0.35
_FEWEST_PAIRS = 200
_BLOCK_ROWS = 512
_RIDGE = 1.0
# Of 2,048 output bits at t = 4, 28,672 pairs share a position.
_MOST_LINKS = 60_000
# At least so many deviations link two bits, and so few cliques may be there by chance.
_LEAST_DEVIATIONS, _CHANCE_CLIQUES = 1.5, 0.01

Links = NDArray[np.float32]
"""Shape (bits, bits), symmetric: how far two output bits flip together; the diagonal is -1."""
Row = tuple[int, ...]
"""The output bits that use one filter position, in order."""


@dataclass(frozen=True, slots=True)
class NearDuplicatesResult:
    """What was found from pairs of encodings that are nearly the same.

    Attributes:
        n_pairs: such pairs.
        n_rows: rows of the secret matrix.
        n_claimed: rows that the attack says it has found.
        n_found: those of them that are right, by the keys that were thrown away.
        seconds: time of the processor.
    """

    n_pairs: int
    n_rows: int
    n_claimed: int
    n_found: int
    seconds: float

    @property
    def share(self) -> float:
        """The part of the secret rows that was found."""
        return self.n_found / self.n_rows


def attack_near_duplicates(
    encodings: PackedBits,
    secret: NDArray[np.intp],
    *,
    clk_bits: int,
    clock: Callable[[], float] = time.process_time,
) -> NearDuplicatesResult:
    """Find rows of the secret matrix, and count those that are right.

    Args:
        encodings: shape (n, bytes).
        secret: positions of each output bit, shape (output_bits, taps); only counts what is right.
        clk_bits: length of a filter.
    """
    started = clock()
    n_bits, taps = secret.shape
    one, other = near_pairs(encodings)
    rows: tuple[Row, ...] = ()
    weight = row_weight(clk_bits, n_bits, taps)
    if len(one) >= _FEWEST_PAIRS and weight > 1:
        flips = np.unpackbits(encodings[one] ^ encodings[other], axis=1)
        links = flip_links(flips)
        cliques = find_cliques(links, weight, least_link(links, weight))
        rows = choose_rows(cliques, links, taps)
    spent = clock() - started
    right = {
        tuple(np.flatnonzero((secret == position).any(axis=1)).tolist())
        for position in range(clk_bits)
    }
    return NearDuplicatesResult(len(one), clk_bits, len(rows), len(right & set(rows)), spent)


def near_pairs(encodings: PackedBits) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of every two encodings that differ in at most 35 % of their bits, but in some."""
    signs = np.unpackbits(encodings, axis=1).astype(np.float32) * 2 - 1
    n_bits = signs.shape[1]
    found = []
    for start in range(0, len(signs), _BLOCK_ROWS):
        distance = (n_bits - signs[start : start + _BLOCK_ROWS] @ signs.T) / 2
        one, other = np.nonzero((distance > 0) & (distance <= _NEAR * n_bits))
        is_upper = one + start < other
        found.append((one[is_upper] + start, other[is_upper]))
    if not found:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    ones, others = zip(*found, strict=True)
    return np.concatenate(ones), np.concatenate(others)


def flip_links(flips: NDArray[np.uint8]) -> Links:
    """Return how far every two output bits flip together, other bits that flip with both allowed for.

    Positions of one token flip together too. A ridge takes out what many bits have in common: C (C + a)^-1 of
    the correlations C, scaled to a diagonal of one.
    """
    rate = flips.mean(axis=1, keepdims=True)
    scaled = (flips - rate) / np.sqrt(rate * (1 - rate))
    scaled -= scaled.mean(axis=0)
    length = np.sqrt((scaled**2).sum(axis=0))
    scaled = (scaled / np.where(length > 0, length, np.inf)).astype(np.float32)
    one = np.eye(scaled.shape[1], dtype=np.float32)
    # The same as C (C + a)^-1, with one inverse.
    links = np.asarray(one - np.linalg.inv(scaled.T @ scaled / _RIDGE + one), dtype=np.float32)
    deviation = np.sqrt(np.maximum(np.diag(links), 1e-12))
    links /= np.outer(deviation, deviation)
    np.fill_diagonal(links, -1)
    return links


def least_link(links: Links, weight: int) -> float:
    """Return above what two output bits count as linked, so that chance makes next to no clique of `weight`."""
    n_bits = len(links)
    upper = links[np.triu_indices(n_bits, k=1)]
    # Most pairs share nothing: the median distance from the median is theirs, 0.6745 deviations.
    deviation = float(np.median(np.abs(upper - np.median(upper)))) / 0.6745
    share = (_CHANCE_CLIQUES / math.comb(n_bits, weight)) ** (1 / math.comb(weight, 2))
    return deviation * max(_LEAST_DEVIATIONS, NormalDist().inv_cdf(1 - share))


def find_cliques(links: Links, weight: int, least: float) -> list[Row]:
    """Return cliques of `weight` output bits that are linked by more than `least`, each once.

    From the strongest link to the weakest that is in no clique yet: add the bit whose weakest link with those
    that are there is the strongest (the first of equals), until there are enough or none is left.
    """
    one, other = np.nonzero(np.triu(links, k=1) > least)
    strongest = np.argsort(-links[one, other], kind="stable")[:_MOST_LINKS]
    found: dict[Row, None] = {}
    covered: set[tuple[int, int]] = set()
    for pair in zip(one[strongest].tolist(), other[strongest].tolist(), strict=True):
        if pair in covered:
            continue
        clique = _grow(links, pair, weight, least)
        if len(clique) == weight:
            found[clique] = None
            covered.update((a, b) for a in clique for b in clique if a < b)
    return list(found)


def choose_rows(cliques: list[Row], links: Links, taps: int) -> tuple[Row, ...]:
    """Return cliques, those with the strongest weakest link first, that can be rows of one matrix.

    An output bit is in as many rows as it has taps, and two rows hardly ever share more than a quarter.
    """
    rows: list[Row] = []
    rows_of: dict[int, list[int]] = {}
    for clique in sorted(cliques, key=lambda c: (-_weakest(links, c), c)):
        near = [row for bit in clique for row in rows_of.get(bit, ())]
        is_free = all(len(rows_of.get(bit, ())) < taps for bit in clique)
        if is_free and all(near.count(row) <= len(clique) // 4 for row in near):
            for bit in clique:
                rows_of.setdefault(bit, []).append(len(rows))
            rows.append(clique)
    return tuple(rows)


def _grow(links: Links, pair: Row, weight: int, least: float) -> Row:
    clique = list(pair)
    weakest = np.minimum(links[pair[0]], links[pair[1]])
    while len(clique) < weight:
        best = int(weakest.argmax())
        if weakest[best] <= least:
            break
        clique.append(best)
        weakest = np.minimum(weakest, links[best])
    return tuple(sorted(clique))


def _weakest(links: Links, clique: Row) -> float:
    return float(links[np.ix_(clique, clique)][np.triu_indices(len(clique), k=1)].min())
