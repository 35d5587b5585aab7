"""One pair of files, from all its meetings to decided pairs: what a run records, and what it says of itself.

Spec page: `schemas/spec/matching.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.checks import require_plausible
from app.matching.blocks.concordance import FieldConcordance, concordance
from app.matching.blocks.decisions import Band, BandRule, Decisions, Rule, Weighed, decide
from app.matching.blocks.doubts import are_doubtful, capped
from app.matching.blocks.errors import EmptyFileError
from app.matching.blocks.levels import Codes, LevelRules
from app.matching.blocks.missed_matches import expected_missed
from app.matching.blocks.pair_lots import MemoryShelf, PairLots, Shelf
from app.matching.blocks.pairs import MEETING, Met, best_of_pairs
from app.matching.blocks.ranges import Sizes
from app.matching.blocks.rivals import BestTwo, Totals, lead
from app.matching.blocks.weights import (
    UNIT,
    PatternTable,
    Weights,
    count_patterns,
    count_weights,
    expected_matches,
    fit_weights,
    model_of,
    shipped_scores,
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
        pairs: candidate pairs, each once, in order of records; none that a reviewer rejected before. All, or
            those alone that are likely enough to be linked or held back.
        total: total weight of each, int64; one whose known number is in doubt stays below the auto bound.
        decisions: band, rule and lead of each.
        table: the comparison patterns, with how many of all pairs have each.
        weights: the weights that were fitted to them.
        n_candidates: how many candidate pairs there are.
        n_rejected_before: how many pairs a reviewer rejected in an earlier round.
        n_meetings: how often rows of the two files met; a pair may meet several times.
        expected_false_matches: how many of the linked pairs are of two people, by their probabilities.
        expected_missed: matches that are expected among the pairs that met and are not linked.
        concordance: how the linked pairs agree on each field.
        histogram: how many candidate pairs have a total weight from so many whole bits on to below one more;
            ascending.
    """

    pairs: Met
    total: Totals
    decisions: Decisions
    table: PatternTable
    weights: Weights
    n_candidates: int
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
        """Return how many of the pairs that are likely enough a rule decided."""
        return int((self.decisions.rule == rule).sum())


def resolve_pair(
    meetings: Iterable[Met],
    *,
    profile: EncodingProfile,
    counts: FileCounts,
    sizes: Sizes,
    policy: LinkPolicy,
    likely_alone: bool = False,
    shelf: Shelf | None = None,
) -> Resolution:
    """Decide the pairs of two files; the same whatever the ranges, and in whatever order they come.

    What is held is one lot of pairs at a time, and those that are kept.

    Args:
        meetings: those of all ranges.
        profile: the encoding profile.
        counts: signed by the larger file's agency; what the profile publishes stands in for a file of fewer
            than 2,000 records.
        sizes: of the two files.
        policy: as agreed.
        likely_alone: whether those pairs alone are kept that are likely enough to be linked or held back.
        shelf: where pairs wait that do not fit into memory; None: they fit.

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
    best = partial(best_of_pairs, rules=rules, scores=shipped_scores(model))
    lots = PairLots(best, sizes.smaller, MemoryShelf() if shelf is None else shelf)
    for met in meetings:
        lots.add(met)
    n_rejected = lots.close(partial(_are_rejected, profile, rules))
    table = count_patterns(rules, (lot["code"] for lot in lots))
    weights = fit_weights(
        model,
        table,
        n_pairs=sizes.smaller * sizes.larger,
        prior_matches=float(policy.expected_share * sizes.smaller),
    )
    scale = _Scale(profile, rules, table, weights, policy.bands.auto)
    return settle_pairs(
        lots,
        scale.weigh,
        table=table,
        weights=weights,
        bands=policy.bands,
        n_meetings=lots.n_meetings,
        n_rejected=n_rejected,
        agreement=lambda codes: concordance(rules.levels_of(codes), profile),
        likely_alone=likely_alone,
    )


def settle_pairs(
    lots: Iterable[Met],
    weigh: Callable[[Met], Weighed],
    *,
    table: PatternTable,
    weights: Weights,
    bands: BandRule,
    n_meetings: int,
    n_rejected: int = 0,
    agreement: Callable[[Codes], tuple[FieldConcordance, ...]] = lambda _: (),
    likely_alone: bool = False,
) -> Resolution:
    """Decide pairs whose patterns have weights, however those came about.

    Args:
        lots: all pairs, each once, all of a record of the smaller file in one lot; read several times.
        weigh: gives pairs their total weights.
        table: their patterns.
        weights: the weights of these.
        bands: the agreed policy.
        n_meetings: how often rows of the two files met.
        n_rejected: how many pairs were left out, since a reviewer rejected them before.
        agreement: tells by their patterns how linked pairs agree on each field.
        likely_alone: as `resolve_pair` says.
    """
    kept, ahead, n_each = _kept(lots, weigh, bands, likely_alone=likely_alone)
    decisions = decide(kept, ahead, bands)
    is_linked = decisions.band == Band.AUTO
    # Column by column, since a whole row of pairs takes four times as much as its records.
    linked = {side: kept.pairs[side][is_linked] for side in ("smaller", "larger")}
    return Resolution(
        kept.pairs,
        kept.total,
        decisions,
        table,
        weights,
        n_each.total(),
        n_rejected,
        n_meetings,
        expected_false_matches=expected_matches(count_weights(-kept.total[is_linked])),
        expected_missed=expected_missed(map(weigh, lots), linked),
        concordance=agreement(kept.pairs["code"][is_linked]),
        histogram=_histogram(n_each),
    )


class _Scale:
    """Weighs pairs by the table of a run."""

    def __init__(
        self,
        profile: EncodingProfile,
        rules: LevelRules,
        table: PatternTable,
        weights: Weights,
        auto: int,
    ) -> None:
        self._codes = np.array(table.codes, dtype=np.int64)
        total = np.array(weights.total, dtype=np.int64)
        is_doubtful = are_doubtful(profile, rules.levels_of(self._codes))
        self._total, self._is_capped = capped(total, is_doubtful, auto)
        self._twins = np.array(weights.twins, dtype=np.int64)

    def weigh(self, pairs: Met) -> Weighed:
        """Return pairs with their weights."""
        at = np.searchsorted(self._codes, pairs["code"])
        return Weighed(pairs, self._total[at], self._twins[at], self._is_capped[at])


def _kept(
    lots: Iterable[Met], weigh: Callable[[Met], Weighed], policy: BandRule, *, likely_alone: bool
) -> tuple[Weighed, Totals, Counter[int]]:
    """Return the pairs that are kept, how far each is ahead, and how many of all have each weight."""
    n_each: Counter[int] = Counter()
    found, rivals = [_NO_PAIRS], [np.empty(0, dtype=np.int64)]
    for lot in map(weigh, lots):
        n_each += count_weights(lot.total)
        kept = lot.some(lot.are_wanted(policy)) if likely_alone else lot
        # All pairs of a record of the smaller file are in one lot.
        of_smaller = BestTwo(kept.pairs["smaller"])
        of_smaller.add(lot.pairs["smaller"], lot.total)
        found.append(kept)
        rivals.append(of_smaller.rivals(kept.pairs["smaller"], kept.total))
    kept, rival = _joined(found), np.concatenate(rivals)
    del rivals
    of_larger = BestTwo(kept.pairs["larger"])
    for lot in map(weigh, lots):
        of_larger.add(lot.pairs["larger"], lot.total)
    np.maximum(rival, of_larger.rivals(kept.pairs["larger"], kept.total), out=rival)
    return kept, lead(kept.total, rival), n_each


_NO_PAIRS: Final = Weighed(
    np.empty(0, dtype=MEETING),
    np.empty(0, dtype=np.int64),
    np.empty(0, dtype=np.int64),
    np.empty(0, dtype=bool),
)


def _joined(parts: list[Weighed]) -> Weighed:
    """Return all parts as one, and leave the list empty, so that no column is there twice for long."""
    columns = [[getattr(one, column.name) for one in parts] for column in fields(Weighed)]
    parts.clear()
    joined = []
    for column in columns:
        joined.append(np.concatenate(column))
        column.clear()
    return Weighed(*joined)


def _are_rejected(profile: EncodingProfile, rules: LevelRules, pairs: Met) -> NDArray[np.bool_]:
    """Tell which pairs a reviewer has rejected before: wherever they met, a name that was kept is equal."""
    place = next(
        (at for at, one in enumerate(profile.fields) if one.memory == "rejected-before"), None
    )
    if place is None:
        return np.zeros(len(pairs), dtype=bool)
    rejected: NDArray[np.bool_] = rules.levels_of(pairs["code"])[:, place] == 1
    return rejected


def _histogram(n_each: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    bits: Counter[int] = Counter()
    for total, n in n_each.items():
        bits[total // UNIT] += n
    return tuple(sorted(bits.items()))
