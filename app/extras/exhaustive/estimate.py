"""What a run will cost and find, from a sample of its pairs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive.blocks import BLOCK_PAIRS
from app.extras.exhaustive.candidates import PAIR_BYTES, dice
from app.extras.exhaustive.dice import dice_candidates
from app.extras.exhaustive.errors import DatasetError, PairCapError
from app.extras.exhaustive.kernels import AUTO, kernel_name
from app.extras.exhaustive.words import Words, count_bits

_SAMPLE_MAX_PAIRS = 1_000_000
# 32,768 pairs of strangers: their deviation is known to a hundredth, which moves the expected
# number of chance pairs at 5 deviations by about a quarter.
_NOISE_ROWS = 4096
_NOISE_SHIFTS = 8
# Of each row of a block: its sorted copy, its signature, and that in columns, twice as wide on AVX2.
_COPIES_OF_A_ROW = 4
# Measured peaks on 10 million pairs, and of the solver's arrays by record.
_SOLVER_BYTES_PER_PAIR = 80
_SOLVER_BYTES_PER_RECORD = 64


@dataclass(frozen=True, slots=True)
class Estimate:
    """What to expect of a run; every number but `n_comparisons` comes from a sample.

    Attributes:
        kernel: the kernel that was measured.
        n_comparisons: pairs of encodings to compare.
        comparisons_per_s: the measured rate, with the threads of the run.
        duration_s: time to compare, without loading and solving.
        n_pairs: pairs at or above the threshold.
        n_pairs_upper: a number that the pairs exceed in about 1 of 40 samples.
        n_chance_pairs: pairs of unrelated records expected at or above the threshold.
        memory_bytes: encodings, pairs and solver at their largest together.
    """

    kernel: str
    n_comparisons: int
    comparisons_per_s: float
    duration_s: float
    n_pairs: float
    n_pairs_upper: float
    n_chance_pairs: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class _Part:
    """One pair of files, scaled up from its sample."""

    n_comparisons: int
    duration_s: float
    n_pairs: float
    n_pairs_upper: float
    n_chance: float


def estimate(
    datasets: Sequence[Words],
    threshold: Fraction,
    *,
    kernel: str = AUTO,
    n_threads: int = 1,
    sample_pairs: int = 1 << 28,
    clock: Callable[[], float] = time.perf_counter,
) -> Estimate:
    """Return what comparing each two of these datasets will cost and find.

    Rows are sampled evenly; their order is the order of random handles, so that is a fair sample.
    Chance pairs follow the noise rule: the similarity of unrelated encodings is taken as normal
    around the sample's median, with the deviation of the sample's quartiles. That holds for
    diffused encodings: 0.5 with deviation sqrt(0.375 / bits), of which 0.25 / bits is from the
    distance and half as much again from the weights. Plain encodings have more similar strangers
    than it says, which `n_pairs` shows.
    """
    if not datasets:
        raise DatasetError("an estimate needs at least one dataset")
    sampler = _Sampler(threshold, kernel_name(kernel), n_threads, math.isqrt(sample_pairs), clock)
    parts = [_sample_part(left, right, sampler) for left, right in combinations(datasets, 2)]
    return _sum_parts(parts, datasets, sampler)


@dataclass(frozen=True, slots=True)
class _Sampler:
    """Compares samples of at most `side` rows, and fewer where they hold too many pairs."""

    threshold: Fraction
    kernel: str
    n_threads: int
    side: int
    clock: Callable[[], float]

    def measure(self, left: Words, right: Words) -> tuple[int, int, float]:
        """Return pairs found, pairs compared, and seconds."""
        side = self.side
        while True:
            rows, columns = _evenly(left, side), _evenly(right, side)
            started = self.clock()
            try:
                found = dice_candidates(
                    rows,
                    columns,
                    self.threshold,
                    kernel=self.kernel,
                    n_threads=self.n_threads,
                    max_pairs=_SAMPLE_MAX_PAIRS,
                )
            except PairCapError:
                side = max(1, min(side, max(len(left), len(right))) // 4)
                continue
            return len(found), len(rows) * len(columns), self.clock() - started


def _sample_part(left: Words, right: Words, sampler: _Sampler) -> _Part:
    n_comparisons = len(left) * len(right)
    found, n_sampled, elapsed_s = sampler.measure(left, right)
    scale = n_comparisons / max(n_sampled, 1)
    return _Part(
        n_comparisons=n_comparisons,
        duration_s=elapsed_s * scale,
        n_pairs=found * scale,
        # Two standard deviations of a Poisson count, and the rule of three for a count of none.
        n_pairs_upper=found * scale if scale <= 1 else (found + 2 * math.sqrt(found) + 3) * scale,
        n_chance=_chance_share(left, right, sampler.threshold) * n_comparisons,
    )


def _evenly(words: Words, n: int) -> Words:
    """Return at most n rows, spread evenly."""
    if len(words) <= n:
        return words
    return words[np.arange(n, dtype=np.int64) * len(words) // n]


def _chance_share(left: Words, right: Words, threshold: Fraction) -> float:
    """Return the share of unrelated pairs expected at or above the threshold, by the noise rule."""
    a, b = _evenly(left, _NOISE_ROWS), _evenly(right, _NOISE_ROWS)
    if len(a) == 0 or len(b) == 0:
        return 0.0
    # Rows far apart in both files: independent pairs, and hardly ever the same person.
    row = np.arange(max(len(a), len(b)))
    shifts = [row + len(row) * (2 * i + 1) // (2 * _NOISE_SHIFTS) for i in range(_NOISE_SHIFTS)]
    similarity = np.concatenate([_similarity(a[row % len(a)], b[i % len(b)]) for i in shifts])
    low, middle, high = np.quantile(similarity, (0.25, 0.5, 0.75))
    deviation = max(float(high - low) / 1.349, 1e-9)  # of a normal law, by its quartiles
    return 0.5 * math.erfc((float(threshold) - float(middle)) / deviation / math.sqrt(2))


def _similarity(x: Words, y: Words) -> NDArray[np.float64]:
    common = np.bitwise_count(x & y).sum(axis=1, dtype=np.uint16)
    return dice(common, count_bits(x) + count_bits(y))


def _sum_parts(parts: Sequence[_Part], datasets: Sequence[Words], sampler: _Sampler) -> Estimate:
    n_comparisons = sum(part.n_comparisons for part in parts)
    duration_s = sum(part.duration_s for part in parts)
    n_pairs = sum(part.n_pairs for part in parts)
    return Estimate(
        kernel=sampler.kernel,
        n_comparisons=n_comparisons,
        comparisons_per_s=n_comparisons / duration_s if duration_s > 0 else 0.0,
        duration_s=duration_s,
        n_pairs=n_pairs,
        n_pairs_upper=sum(part.n_pairs_upper for part in parts),
        n_chance_pairs=sum(part.n_chance for part in parts),
        memory_bytes=_memory_bytes(datasets, n_pairs, sampler.n_threads),
    )


def _memory_bytes(datasets: Sequence[Words], n_pairs: float, n_threads: int) -> int:
    """Return the encodings, the blocks at work, and the solver with its pairs."""
    encodings = sum(words.nbytes for words in datasets)
    block_rows = min(2 * math.isqrt(BLOCK_PAIRS), sum(len(words) for words in datasets))
    blocks = (n_threads + 1) * block_rows * _COPIES_OF_A_ROW * datasets[0].shape[1] * 8
    records = sum(len(words) for words in datasets) * _SOLVER_BYTES_PER_RECORD
    return int(encodings + blocks + records + n_pairs * (PAIR_BYTES + _SOLVER_BYTES_PER_PAIR))
