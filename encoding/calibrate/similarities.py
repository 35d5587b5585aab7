"""The similarities of a sample with its copy, with other records of the file, and with decoys."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive import (
    Candidates,
    Dataset,
    MatchingPolicy,
    PairCapError,
    Words,
    match_block,
    pack_words,
    plan_blocks,
)
from encoding.specimen import Specimen
from schemas.errors import PolicyError
from schemas.profile import EncodingProfile, encoded_similarity

# Steps of the sweep, in units of plain CLKs.
STEP = Fraction(1, 200)
_MAX_PAIRS = 5_000_000
_BLOCK_PAIRS = 1 << 40
_TRIED_RECORDS = 2_000
_N_THREADS = 2

Levels = NDArray[np.intp]
"""For each pair, the number of thresholds of the sweep that it reaches, from 0."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Thresholds in increasing order: in units of plain CLKs, and of the encodings."""

    plain: tuple[Fraction, ...]
    encoded: tuple[Fraction, ...]

    @classmethod
    def of(cls, profile: EncodingProfile, lowest: Fraction) -> Sweep:
        """Return every step from `lowest` to 1 at which the profile's hardening leaves something to see."""
        steps = [lowest + number * STEP for number in range(int((1 - lowest) / STEP) + 1)]
        mapped = []
        for step in steps:
            try:
                mapped.append((step, encoded_similarity(profile, step)))
            except PolicyError:
                continue
        return cls(tuple(step for step, _ in mapped), tuple(to for _, to in mapped))

    def levels(self, pairs: Candidates) -> Levels:
        """Return how many thresholds each pair reaches."""
        # Half a step of the finest fraction below, so that a pair at the edge is in, as in a run.
        edges = np.array([float(edge) for edge in self.encoded]) - 1e-12
        found: Levels = np.searchsorted(edges, pairs.similarity(), side="right")
        return found


def dataset(specimen: Specimen, n_records: int, *, hardened: bool = True) -> Dataset:
    """Return the encodings of a specimen for comparison, or its CLKs before hardening."""
    record = specimen.cleaned.record.astype(np.uint32)
    chosen = specimen.encodings if hardened else specimen.filters
    return Dataset(pack_words(np.ascontiguousarray(chosen)), record, n_records)


def similar_pairs(left: Dataset, right: Dataset, threshold: Fraction) -> Candidates:
    """Return the pairs of records that reach the threshold, the best variants of each.

    Raises:
        PairCapError: there are more than five million pairs of encodings.
    """
    policy = MatchingPolicy(threshold, threshold, Fraction(0), "one-to-one")
    datasets = (left, right)
    (block,) = plan_blocks(datasets, block_pairs=_BLOCK_PAIRS, is_within=False)
    return match_block(datasets, block, policy, max_pairs=_MAX_PAIRS, n_threads=_N_THREADS)


def affordable_sweep(profile: EncodingProfile, left: Dataset, strangers: Dataset) -> Sweep:
    """Return the sweep from the lowest threshold at which strangers do not fill the memory."""
    few = Dataset(*_first_records(strangers, _TRIED_RECORDS))
    expected = strangers.n_records / max(few.n_records, 1)
    lowest = Fraction(1, 2)
    while lowest < 1 - 2 * STEP:
        sweep = Sweep.of(profile, lowest)
        try:
            if len(similar_pairs(left, few, sweep.encoded[0])) * expected <= _MAX_PAIRS / 4:
                return sweep
        except PairCapError:
            pass
        lowest = sweep.plain[0] + 2 * STEP
    return Sweep.of(profile, lowest)


def _first_records(strangers: Dataset, n_records: int) -> tuple[Words, NDArray[np.uint32], int]:
    at = strangers.encodings_of(0, n_records)
    return strangers.words[at], strangers.record[at], min(n_records, strangers.n_records)
