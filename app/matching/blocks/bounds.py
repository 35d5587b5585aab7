"""The agreed policy in whole weights, as the matching engine takes it."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

from app.matching.blocks.decisions import BandRule
from app.matching.blocks.resolution import LinkPolicy
from app.matching.blocks.weights import UNIT
from schemas.linkage.run import MatchingPolicy

# A pair from which the chance of twins takes more than one bit is more likely of twins than of other strangers.
TWIN_LIMIT: Final = UNIT
_DIGITS: Final = Context(prec=40, rounding=ROUND_HALF_EVEN)


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
