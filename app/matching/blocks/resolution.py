"""One pair of files, from all its meetings to decided pairs: what a run records, and what it says of itself.

Spec page: `schemas/spec/matching.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.checks import require_plausible
from app.matching.blocks.concordance import FieldConcordance, concordance
from app.matching.blocks.decisions import Band, BandRule, Decisions, Rule, decide
from app.matching.blocks.doubts import are_doubtful, capped
from app.matching.blocks.errors import EmptyFileError
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.missed_matches import expected_missed
from app.matching.blocks.pairs import Met, best_of_all
from app.matching.blocks.ranges import Sizes
from app.matching.blocks.weights import (
    UNIT,
    PatternTable,
    Weights,
    count_patterns,
    fit_weights,
    model_of,
    shipped_scores,
    sum_of_probabilities,
)
from schemas.counts import SMALLEST_COUNTED_FILE, FileCounts, published_counts
from schemas.profile import EncodingProfile


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """What the agreement says of a pair of files.

    Attributes:
        expected_share: matches that the fit starts from, as a share of the smaller file's records, above 0.
        bands: which pairs are linked, held back or rejected.
    """

    expected_share: Fraction
    bands: BandRule


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Resolution:
    """Everything that a run keeps of a pair of files.

    Attributes:
        pairs: each candidate pair once, in order of records; none that a reviewer rejected before.
        total: total weight of each pair, int64; one whose known number is in doubt stays below the auto bound.
        twins: what the chance of twins took off it, int64.
        decisions: band, rule and lead of each pair.
        table: the comparison patterns, with how many pairs have each.
        weights: the weights that were fitted to them.
        n_rejected_before: how many pairs a reviewer rejected in an earlier round.
        n_meetings: how often rows of the two files met; a pair may meet several times.
        expected_false_matches: how many of the linked pairs are of two people, by their probabilities.
        expected_missed: matches that are expected among the pairs that met and are not linked.
        concordance: how the linked pairs agree on each field.
        histogram: how many pairs have a total weight from so many whole bits on to below one more; ascending.
    """

    pairs: Met
    total: NDArray[np.int64]
    twins: NDArray[np.int64]
    decisions: Decisions
    table: PatternTable
    weights: Weights
    n_rejected_before: int
    n_meetings: int
    expected_false_matches: float
    expected_missed: float
    concordance: tuple[FieldConcordance, ...]
    histogram: tuple[tuple[int, int], ...]

    def n_in_band(self, band: Band) -> int:
        """Return how many pairs are in a band."""
        return int((self.decisions.band == band).sum())

    def n_by_rule(self, rule: Rule) -> int:
        """Return how many pairs a rule decided."""
        return int((self.decisions.rule == rule).sum())


def resolve_pair(
    meetings: Iterable[Met],
    *,
    profile: EncodingProfile,
    counts: FileCounts,
    sizes: Sizes,
    policy: LinkPolicy,
) -> Resolution:
    """Decide the pairs of two files; the same whatever the ranges, and in whatever order they come.

    Args:
        meetings: those of all ranges.
        profile: the encoding profile.
        counts: signed by the larger file's agency; what the profile publishes stands in for a file of fewer
            than 2,000 records.
        sizes: of the two files.
        policy: as agreed.
    Raises:
        EmptyFileError: a file has no record.
        DocumentError: the counts are of other fields or levels.
        CountedPairsError: a field has more pairs of strangers than anybody counts.
        TwinPairsError: the larger file claims more pairs of twins than records.
    """
    if not sizes.smaller or not sizes.larger:
        raise EmptyFileError("a file has no record")
    if sizes.larger < SMALLEST_COUNTED_FILE:
        counts = published_counts(profile, sizes.larger)
    require_plausible(counts, profile, sizes.larger)
    rules, model = LevelRules(profile), model_of(profile, counts, sizes.larger)
    pairs, n_meetings = best_of_all(meetings, rules, shipped_scores(model), sizes.smaller)
    is_rejected = _are_rejected(profile, rules, pairs)
    if is_rejected.any():
        pairs = pairs[~is_rejected]
    table = count_patterns(rules, pairs["code"])
    weights = fit_weights(
        model,
        table,
        n_pairs=sizes.smaller * sizes.larger,
        prior_matches=float(policy.expected_share * sizes.smaller),
    )
    codes = np.array(table.codes, dtype=np.int64)
    at = np.searchsorted(codes, pairs["code"])
    total = np.array(weights.total, dtype=np.int64)[at]
    twins = np.array(weights.twins, dtype=np.int64)[at]
    is_doubtful = are_doubtful(profile, rules.levels_of(codes))[at]
    # As long as all pairs; what is decided takes more.
    del at
    total, is_capped = capped(total, is_doubtful, policy.bands.auto)
    decisions = decide(pairs, total, twins, policy.bands, is_capped)
    return Resolution(
        pairs,
        total,
        twins,
        decisions,
        table,
        weights,
        int(is_rejected.sum()),
        n_meetings,
        expected_false_matches=sum_of_probabilities(-total[decisions.band == Band.AUTO]),
        expected_missed=expected_missed(pairs, total, decisions),
        concordance=concordance(
            rules.levels_of(pairs["code"][decisions.band == Band.AUTO]), profile
        ),
        histogram=_histogram(total),
    )


def _are_rejected(profile: EncodingProfile, rules: LevelRules, pairs: Met) -> NDArray[np.bool_]:
    """Tell which pairs a reviewer has rejected before: wherever they met, a name that was kept is equal."""
    place = next(
        (at for at, one in enumerate(profile.fields) if one.memory == "rejected-before"), None
    )
    if place is None:
        return np.zeros(len(pairs), dtype=bool)
    rejected: NDArray[np.bool_] = rules.levels_of(pairs["code"])[:, place] == 1
    return rejected


def _histogram(total: NDArray[np.int64]) -> tuple[tuple[int, int], ...]:
    bits, n_each = np.unique(total // UNIT, return_counts=True)
    return tuple(zip(bits.tolist(), n_each.tolist(), strict=True))
