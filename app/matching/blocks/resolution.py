"""One pair of files, from all its meetings to decided pairs: what a run records, and what it says of itself.

Spec page: `schemas/spec/matching.md`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.bins import Bins, MemoryShelf, PairLots, Rows, Shelf, with_columns
from app.matching.blocks.checks import linked_once, require_plausible, require_steady
from app.matching.blocks.concordance import FieldConcordance, concordance, expected_missed
from app.matching.blocks.decisions import (
    CANDIDATE,
    Band,
    BandRule,
    Decided,
    Rule,
    are_wanted,
    decide,
    weighed,
)
from app.matching.blocks.doubts import capped
from app.matching.blocks.errors import EmptyFileError
from app.matching.blocks.levels import Codes, LevelRules
from app.matching.blocks.pairs import Met, best_of_pairs
from app.matching.blocks.ranges import Sizes
from app.matching.blocks.rivals import BestTwo, lead
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
from schemas.linkage.counts import SMALLEST_COUNTED_FILE, FileCounts, published_counts
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import MatchingPolicy

# A pair from which the chance of twins takes more than one bit is more likely of twins than of other strangers.
TWIN_LIMIT: Final = UNIT
_DIGITS: Final = Context(prec=40, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """What the agreement says of a pair of files.

    Attributes:
        expected_share: matches that the fit starts from, as a share of the smaller file's records, above 0.
        bands: which pairs are linked, sent to review or rejected.
    """

    expected_share: Fraction
    bands: BandRule


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Resolution:
    """Everything that a run keeps of a pair of files.

    Attributes:
        decided: candidate pairs, each once, with weight, lead, band and rule; none that a reviewer rejected
            before. All, or those alone that are likely enough to be linked or sent to review.
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

    decided: Decided
    table: PatternTable
    weights: Weights
    n_candidates: int
    n_rejected_before: int
    n_meetings: int
    expected_false_matches: float
    expected_missed: float
    concordance: tuple[FieldConcordance, ...]
    histogram: tuple[tuple[int, int], ...]

    def rows(self, band: Band | None = None) -> Rows:
        """Return the pairs of a small run, or those of a band, in order of records, dtype `DECIDED`."""
        return np.concatenate(list(self.decided if band is None else self.decided.in_band(band)))

    def n_in_band(self, band: Band) -> int:
        """Return how many pairs are in a band."""
        return self.decided.n_of_band[band]

    def n_by_rule(self, rule: Rule) -> int:
        """Return how many of the pairs that are likely enough a rule decided."""
        return self.decided.n_of_rule[rule]


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

    What is held is one lot of pairs at a time, and those that are in each other's way.

    Args:
        meetings: those of all ranges.
        profile: the encoding profile.
        counts: signed by the larger file's agency; what the profile publishes stands in for a file of fewer
            than 2,000 records.
        sizes: of the two files.
        policy: as agreed.
        likely_alone: whether those pairs alone are kept that are likely enough to be linked or sent to review.
        shelf: where pairs wait that do not fit into memory, as long as the result is wanted; None: they fit.

    Raises:
        EmptyFileError: a file has no record.
        DocumentError: the counts are of other fields or levels.
        CountedPairsError: a field has more pairs of strangers than anybody counts.
        TwinPairsError: the larger file claims more pairs of twins than records.
        LinkedBeforeTwiceError: a record was linked before to two records.
        RowsDisagreeError: the rows of too many linked records disagree about them.
    """
    if not sizes.smaller or not sizes.larger:
        raise EmptyFileError("a file has no record")
    if sizes.larger < SMALLEST_COUNTED_FILE:
        counts = published_counts(profile, sizes.larger)
    require_plausible(counts, profile, sizes.larger)
    rules, model = LevelRules(profile), model_of(profile, counts, sizes.larger)
    best = partial(best_of_pairs, rules=rules, scores=shipped_scores(model))
    shelf = MemoryShelf() if shelf is None else shelf
    lots = PairLots(best, sizes.smaller, shelf)
    for met in meetings:
        lots.add(met)
    # A name that a reviewer rejected is equal wherever the two meet.
    n_rejected = lots.close(lambda pairs: rules.are_same("rejected-before", pairs["code"]))
    checked = linked_once(lots, rules, sizes.larger)
    table = count_patterns(rules, (lot["code"] for lot in checked))
    weights = fit_weights(
        model,
        table,
        n_pairs=sizes.smaller * sizes.larger,
        prior_matches=float(policy.expected_share * sizes.smaller),
    )
    scale = _Scale(profile, rules, table, weights, policy.bands)
    return settle_pairs(
        lots,
        scale.weigh,
        sizes=sizes,
        shelf=shelf,
        table=table,
        weights=weights,
        bands=policy.bands,
        n_meetings=lots.n_meetings,
        n_rejected=n_rejected,
        agreement=lambda codes, n_each: concordance(rules.levels_of(codes), n_each, profile),
        likely_alone=likely_alone,
    )


def settle_pairs(
    lots: Iterable[Met],
    weigh: Callable[[Met], Rows],
    *,
    sizes: Sizes,
    shelf: Shelf,
    table: PatternTable,
    weights: Weights,
    bands: BandRule,
    n_meetings: int,
    n_rejected: int = 0,
    agreement: Callable[[Codes, NDArray[np.int64]], tuple[FieldConcordance, ...]] = lambda *_: (),
    likely_alone: bool = False,
) -> Resolution:
    """Decide pairs whose patterns have weights, however those came about.

    Args:
        lots: all pairs, each once, all of a record of the smaller file in one lot; read several times.
        weigh: gives pairs their total weights: dtype `WEIGHED`.
        sizes: of the two files.
        shelf: where pairs wait, as long as the result is wanted.
        table: their patterns.
        weights: the weights of these.
        bands: the agreed policy.
        n_meetings: how often rows of the two files met.
        n_rejected: how many pairs were left out, since a reviewer rejected them before.
        agreement: tells by their patterns, and how many have each, how linked pairs agree on each field.
        likely_alone: as `resolve_pair` says.
    """
    found = _Candidates(bands, sizes, shelf, likely_alone=likely_alone)
    for lot in lots:
        found.add(weigh(lot))
    decided = decide(found, bands, n_smaller=sizes.smaller, shelf=shelf)
    linked = _Linked(decided, sizes)
    require_steady(linked.n_unsteady, decided.n_of_band[Band.AUTO])
    return Resolution(
        decided,
        table,
        weights,
        found.n_each.total(),
        n_rejected,
        n_meetings,
        expected_false_matches=expected_matches(linked.n_of_doubt),
        expected_missed=expected_missed(map(weigh, lots), linked.records),
        concordance=agreement(*linked.patterns()),
        histogram=_histogram(found.n_each),
    )


class _Candidates:
    """Pairs that are to be decided, by records of the larger file, each with how far it is ahead.

    Attributes:
        n_each: how many of all pairs have each total weight.
    """

    def __init__(self, policy: BandRule, sizes: Sizes, shelf: Shelf, *, likely_alone: bool) -> None:
        self._policy, self._likely_alone = policy, likely_alone
        # Until all are known, `lead` is the highest total of another pair of the record of the smaller file.
        self._rows = Bins(CANDIDATE, "larger", sizes.larger, shelf)
        self._totals = Bins(_TOTAL, "larger", sizes.larger, shelf)
        self.n_each: Counter[int] = Counter()

    def add(self, lot: Rows) -> None:
        """Take all pairs of some records of the smaller file, dtype `WEIGHED`."""
        self.n_each += count_weights(lot["total"])
        self._totals.add(with_columns(lot, _TOTAL))
        is_wanted = are_wanted(lot, self._policy)
        kept = lot[is_wanted] if self._likely_alone else lot
        of_smaller = BestTwo(kept["smaller"])
        of_smaller.add(lot["smaller"], lot["total"])
        rows = with_columns(kept, CANDIDATE)
        rows["lead"] = of_smaller.rivals(kept["smaller"], kept["total"])
        records, n_wanted = np.unique(lot["smaller"][is_wanted], return_counts=True)
        rows["is_alone"] = np.isin(kept["smaller"], records[n_wanted == 1])
        self._rows.add(rows)

    def __iter__(self) -> Iterator[Rows]:
        """Yield the pairs, all of a record of the larger file at a time."""
        for rows, totals in zip(self._rows, self._totals, strict=True):
            of_larger = BestTwo(rows["larger"])
            of_larger.add(totals["larger"], totals["total"])
            rival = np.maximum(rows["lead"], of_larger.rivals(rows["larger"], rows["total"]))
            rows["lead"] = lead(rows["total"], rival)
            yield rows


_TOTAL: Final = np.dtype([("larger", "<u4"), ("total", "<i8")])


class _Linked:
    """What is counted of the linked pairs.

    Attributes:
        records: of the `smaller` and of the `larger` file, which are linked.
        n_of_doubt: how many have each total weight, the sign changed.
        n_unsteady: of how many the meetings differ in a field that is compared by tags alone.
    """

    def __init__(self, decided: Decided, sizes: Sizes) -> None:
        self.records = {
            "smaller": np.zeros(sizes.smaller, dtype=bool),
            "larger": np.zeros(sizes.larger, dtype=bool),
        }
        self.n_of_doubt: Counter[int] = Counter()
        self.n_unsteady = 0
        self._n_of_code: Counter[int] = Counter()
        for rows in decided.in_band(Band.AUTO):
            for side, is_linked in self.records.items():
                is_linked[rows[side]] = True
            self.n_of_doubt += count_weights(-rows["total"])
            self.n_unsteady += int(rows["is_unsteady"].sum())
            codes, n_each = np.unique(rows["code"], return_counts=True)
            self._n_of_code.update(dict(zip(codes.tolist(), n_each.tolist(), strict=True)))

    def patterns(self) -> tuple[Codes, NDArray[np.int64]]:
        """Return the patterns of the linked pairs, and how many have each."""
        codes = np.array([*self._n_of_code], dtype=np.int64)
        return codes, np.array([*self._n_of_code.values()], dtype=np.int64)


class _Scale:
    """Weighs pairs by the table of a run."""

    def __init__(
        self,
        profile: EncodingProfile,
        rules: LevelRules,
        table: PatternTable,
        weights: Weights,
        bands: BandRule,
    ) -> None:
        self._codes = np.array(table.codes, dtype=np.int64)
        total = np.array(weights.total, dtype=np.int64)
        self._total, self._is_capped = capped(
            profile, rules.levels_of(self._codes), total, auto=bands.auto, review=bands.review
        )
        self._twins = np.array(weights.twins, dtype=np.int64)

    def weigh(self, pairs: Met) -> Rows:
        """Return pairs with their weights, dtype `WEIGHED`."""
        at = np.searchsorted(self._codes, pairs["code"])
        return weighed(pairs, self._total[at], self._twins[at], self._is_capped[at])


def _histogram(n_each: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    bits: Counter[int] = Counter()
    for total, n in n_each.items():
        bits[total // UNIT] += n
    return tuple(sorted(bits.items()))


def link_policy(policy: MatchingPolicy) -> LinkPolicy:
    """Return a policy in whole weights."""
    return LinkPolicy(
        expected_share=Fraction(policy.prior_matches),
        bands=BandRule.of_probabilities(
            auto=policy.auto,
            review=policy.review,
            # At least 1: of pairs that are exactly alike none is linked by the order of records.
            lead=max(1, least_lead(policy.lead)),
            twin_limit=TWIN_LIMIT if policy.twin_guard else None,
        ),
    )


def least_lead(times: int) -> int:
    """Return the least whole weight by which a pair is ahead that is so many times as likely as another."""
    exact = _DIGITS.divide(_DIGITS.ln(Decimal(times)), _DIGITS.ln(Decimal(2)))
    return math.ceil(_DIGITS.multiply(exact, Decimal(UNIT)))
