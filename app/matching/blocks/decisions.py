"""Which candidate pairs are linked, held back for review, or rejected, and by which rule.

Greedy one-to-one by total weight: a pair that stands behind a better pair of one of its records is no link.
Source of the one-to-one choice: Jaro (1989), here greedy, since the posterior is honest without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.pairs import Met
from app.matching.blocks.plain import plain_numbers
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
    REVIEW_SHARE = 6
    CONTRADICTED = 7

    @property
    def label(self) -> str:
        """Return the rule's name as reports and match records write it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class BandRule:
    """The agreed policy in whole weights.

    Attributes:
        auto: least total weight of a link without a person's decision.
        review: least total weight of a pair that is held back.
        lead: least weight by which a link is ahead of each side's best other pair.
        most_review: how many pairs may be held back; the best ones are.
        twin_limit: a pair from which the chance of twins takes more than this is held back; None: none is.
    """

    auto: int
    review: int
    lead: int
    most_review: int
    twin_limit: int | None

    @classmethod
    def of_probabilities(
        cls, *, auto: str, review: str, lead: int, most_review: int, twin_limit: int | None
    ) -> BandRule:
        """Return the rule of a policy that is written in match probabilities."""
        return cls(least_weight(auto), least_weight(review), lead, most_review, twin_limit)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Decisions:
    """What was decided of the pairs, in their order.

    Attributes:
        band: uint8, a `Band`.
        rule: uint8, a `Rule`.
        lead: int64, weight ahead of the best other pair of either record; `NO_RIVAL` where there is none.
    """

    band: NDArray[np.uint8]
    rule: NDArray[np.uint8]
    lead: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Weighed:
    """Candidate pairs, and what is known of each before it is decided.

    Attributes:
        pairs: each pair once.
        total: total weight of each pair.
        twins: what the chance of twins took off it.
        is_capped: which totals were kept below the auto bound, for a known number that is in doubt.
    """

    pairs: Met
    total: Totals
    twins: Totals
    is_capped: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pairs)

    def some(self, which: NDArray[Any]) -> Weighed:
        """Return some of them: a mask, or places."""
        return Weighed(
            self.pairs[which], self.total[which], self.twins[which], self.is_capped[which]
        )

    def are_wanted(self, policy: BandRule) -> NDArray[np.bool_]:
        """Tell which are likely enough to be linked or held back, if none else is in the way."""
        # A capped total was above the auto bound, and so above that of review.
        return (self.total >= policy.review) | self.is_capped


def decide(weighed: Weighed, lead: Totals, policy: BandRule) -> Decisions:
    """Decide all pairs of two files that are likely enough, and any others.

    Args:
        weighed: the pairs.
        lead: weight ahead of the best other pair of either record; `NO_RIVAL` where there is none.
        policy: the agreed bands.
    """
    pairs, total, twins, is_capped = (
        weighed.pairs, weighed.total, weighed.twins, weighed.is_capped,
    )  # fmt: skip
    rule = np.full(len(pairs), Rule.BELOW_REVIEW, dtype=np.uint8)
    order = np.flatnonzero(weighed.are_wanted(policy))
    order = order[np.lexsort((pairs["larger"][order], pairs["smaller"][order], -total[order]))]
    is_best = _first_of_both(pairs["smaller"][order], pairs["larger"][order])
    rule[order[~is_best]] = Rule.BETTER_RIVAL
    best = order[is_best]
    rule[best] = _rules_of_best(total[best], lead[best], twins[best], policy)
    rule[best[is_capped[best]]] = Rule.CONTRADICTED
    held_back = best[rule[best] != Rule.MATCH_PROBABILITY]
    rule[held_back[policy.most_review :]] = Rule.REVIEW_SHARE
    band = np.full(len(pairs), Band.REJECT, dtype=np.uint8)
    band[held_back[: policy.most_review]] = Band.REVIEW
    band[rule == Rule.MATCH_PROBABILITY] = Band.AUTO
    return Decisions(band, rule, lead)


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


def _rules_of_best(
    total: NDArray[np.int64], lead: NDArray[np.int64], twins: NDArray[np.int64], policy: BandRule
) -> NDArray[np.uint8]:
    """Return the rules of pairs that stand behind no other; of several that fit, the last one set counts."""
    rule = np.full(len(total), Rule.MATCH_PROBABILITY, dtype=np.uint8)
    rule[(lead < policy.lead) & (lead != NO_RIVAL)] = Rule.LEAD_TOO_SMALL
    if policy.twin_limit is not None:
        rule[twins > policy.twin_limit] = Rule.TWIN_GUARD
    rule[total < policy.auto] = Rule.REVIEW_BAND
    return rule
