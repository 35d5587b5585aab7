"""Which candidate pairs are linked, sent to review, or rejected, and by which rule.

Greedy one-to-one by total weight: a pair that stands behind a better pair of one of its records is no link.
Source of the one-to-one choice: Jaro (1989), here greedy, since the posterior is honest without it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.bins import Bins, Rows, Shelf, plain_numbers, with_columns
from app.matching.blocks.pairs import PAIR, Met
from app.matching.blocks.rivals import NO_RIVAL, Totals
from app.matching.blocks.weights import least_weight


class Band(IntEnum):
    """What happens to a pair."""

    REJECT = 0
    AUTO = 1
    REVIEW = 2


class Rule(IntEnum):
    """Why a pair is in its band; `label` is the name in reports."""

    BELOW_REVIEW = 0
    MATCH_PROBABILITY = 1
    REVIEW_BAND = 2
    BETTER_RIVAL = 3
    LEAD_TOO_SMALL = 4
    TWIN_GUARD = 5
    CONTRADICTED = 6

    @property
    def label(self) -> str:
        """Return the rule's name as reports and match records write it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class BandRule:
    """The agreed policy in whole weights.

    Attributes:
        auto: least total weight of a link without a person's decision.
        review: least total weight of a pair that is sent to review.
        lead: least weight by which a link is ahead of each side's best other pair.
        twin_limit: a pair from which the chance of twins takes more than this is sent to review; None: none is.
    """

    auto: int
    review: int
    lead: int
    twin_limit: int | None

    @classmethod
    def of_probabilities(
        cls, *, auto: str, review: str, lead: int, twin_limit: int | None
    ) -> BandRule:
        """Return the rule of a policy that is written in match probabilities."""
        return cls(least_weight(auto), least_weight(review), lead, twin_limit)


WEIGHED: Final = np.dtype(
    [
        *PAIR.descr,
        ("total", "<i8"),
        # What the chance of twins took off it.
        ("twins", "<i8"),
        # Kept below the auto bound, for a known number that is in doubt.
        ("is_capped", "?"),
    ]
)
CANDIDATE: Final = np.dtype(
    [
        *WEIGHED.descr,
        # Weight ahead of the best other pair of either record; `NO_RIVAL` where there is none.
        ("lead", "<i8"),
        # Whether no other pair of its record of the smaller file is wanted.
        ("is_alone", "?"),
    ]
)
DECIDED: Final = np.dtype(
    [*PAIR.descr, ("total", "<i8"), ("lead", "<i8"), ("band", "u1"), ("rule", "u1")]
)


def weighed(pairs: Met, total: Totals, twins: Totals, is_capped: NDArray[np.bool_]) -> Rows:
    """Return pairs with their weights, dtype `WEIGHED`."""
    rows = with_columns(pairs, WEIGHED)
    rows["total"], rows["twins"], rows["is_capped"] = total, twins, is_capped
    return rows


def are_wanted(rows: Rows, policy: BandRule) -> NDArray[np.bool_]:
    """Tell which pairs are likely enough to be linked or sent to review, if none else is in the way."""
    # A capped total was above the auto bound, and so above that of review.
    wanted: NDArray[np.bool_] = (rows["total"] >= policy.review) | rows["is_capped"]
    return wanted


class Decided:
    """Pairs that are decided, each with its band and rule."""

    def __init__(self, n_smaller: int, shelf: Shelf) -> None:
        """Begin without pairs of a smaller file of so many records; they wait on the shelf."""
        self._rows = Bins(DECIDED, "smaller", n_smaller, shelf, _by_records)
        self.n_of_band: Counter[int] = Counter()
        self.n_of_rule: Counter[int] = Counter()

    def settle(self, rows: Rows, rule: NDArray[np.uint8]) -> None:
        """Take pairs, dtype `CANDIDATE`, each decided by a rule."""
        settled = with_columns(rows, DECIDED)
        settled["rule"], settled["band"] = rule, _BAND_OF_RULE[rule]
        self._rows.add(settled)
        self.n_of_band.update(_counted(settled["band"]))
        self.n_of_rule.update(_counted(rule))

    def __iter__(self) -> Iterator[Rows]:
        """Yield them in order of records, some at a time, dtype `DECIDED`; again and again, if wanted."""
        return iter(self._rows)

    def in_band(self, band: Band) -> Iterator[Rows]:
        """Yield those of a band, as `__iter__` does."""
        return (rows[rows["band"] == band] for rows in self)


def decide(
    candidates: Iterable[Rows], policy: BandRule, *, n_smaller: int, shelf: Shelf
) -> Decided:
    """Decide all pairs of two files that are likely enough, and any others.

    What is held is a part of them, and those of which a record has another pair that is likely enough.
    """
    decided, contested = Decided(n_smaller, shelf), [np.empty(0, CANDIDATE)]
    for rows in candidates:
        is_wanted = are_wanted(rows, policy)
        larger, n_wanted = np.unique(rows["larger"][is_wanted], return_counts=True)
        is_free = is_wanted & rows["is_alone"]
        is_free[is_free] = n_wanted[np.searchsorted(larger, rows["larger"][is_free])] == 1
        contested.append(rows[is_wanted & ~is_free])
        decided.settle(rows[is_free], _rules_of_best(rows[is_free], policy))
        others = rows[~is_wanted]
        decided.settle(others, np.full(len(others), Rule.BELOW_REVIEW, dtype=np.uint8))
    rows = np.concatenate(contested)
    rows = rows[_in_order(rows)]
    rule = np.full(len(rows), Rule.BETTER_RIVAL, dtype=np.uint8)
    is_best = _first_of_both(rows["smaller"], rows["larger"])
    rule[is_best] = _rules_of_best(rows[is_best], policy)
    decided.settle(rows, rule)
    return decided


_BAND_OF_RULE: Final = np.array(
    [
        Band.AUTO
        if rule == Rule.MATCH_PROBABILITY
        else Band.REJECT
        if rule in (Rule.BELOW_REVIEW, Rule.BETTER_RIVAL)
        else Band.REVIEW
        for rule in Rule
    ],
    dtype=np.uint8,
)


def _counted(numbers: NDArray[np.uint8]) -> dict[int, int]:
    found, n_each = np.unique(numbers, return_counts=True)
    return dict(zip(found.tolist(), n_each.tolist(), strict=True))


def _by_records(rows: Rows) -> Rows:
    return rows[np.lexsort((rows["larger"], rows["smaller"]))]


def _in_order(rows: Rows) -> NDArray[np.intp]:
    """Return in which order pairs are taken: of the highest total first, then in order of records."""
    return np.lexsort((rows["larger"], rows["smaller"], -rows["total"]))


def _first_of_both(smaller: NDArray[np.uint32], larger: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Tell which pairs, taken in order, have no record of a pair that was told so before them."""
    is_first = np.zeros(len(smaller), dtype=bool)
    # A byte a record: sets of numbers would take a hundred times as much.
    taken_left, taken_right = (
        bytearray(int(records.max(initial=0)) + 1) for records in (smaller, larger)
    )
    pairs = zip(plain_numbers(smaller), plain_numbers(larger), strict=True)
    for at, (one, other) in enumerate(pairs):
        if not taken_left[one] and not taken_right[other]:
            taken_left[one] = taken_right[other] = 1
            is_first[at] = True
    return is_first


def _rules_of_best(rows: Rows, policy: BandRule) -> NDArray[np.uint8]:
    """Return the rules of pairs that stand behind no other; of several that fit, the last one set counts."""
    rule = np.full(len(rows), Rule.MATCH_PROBABILITY, dtype=np.uint8)
    rule[(rows["lead"] < policy.lead) & (rows["lead"] != NO_RIVAL)] = Rule.LEAD_TOO_SMALL
    if policy.twin_limit is not None:
        rule[rows["twins"] > policy.twin_limit] = Rule.TWIN_GUARD
    rule[rows["total"] < policy.auto] = Rule.REVIEW_BAND
    rule[rows["is_capped"]] = Rule.CONTRADICTED
    return rule
