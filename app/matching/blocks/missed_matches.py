"""How many matches a run did not link, as far as it can know without the truth.

Pairs that no pass brought together leave no trace. How many cells the others met in does not tell: in 21
rehearsals the never-met were between none and ten times the matches that met in one cell, and estimates from
such counts (Chao, Lincoln-Petersen) were wrong both ways. So a run says what it expects among the pairs that it
saw, and bounds that always hold; a sample of matches that are known otherwise says the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.decisions import Band, Decisions
from app.matching.blocks.pairs import Met
from app.matching.blocks.weights import sum_of_probabilities

# The normal quantile of a one-sided error of 2.5 %.
_Z: Final = 1.96


@dataclass(frozen=True, slots=True)
class Missed:
    """Matches among the records that were not linked.

    Attributes:
        expected_met: expected matches among the candidate pairs of two records that are both not linked, by
            their probabilities. In rehearsals a third to four fifths of the true number: read it as "at least".
        most_met: no more such matches can be among the candidate pairs.
        most: no more records of the smaller file can have a match at all.
    """

    expected_met: float
    most_met: int
    most: int


@dataclass(frozen=True, slots=True)
class SampledMissed:
    """Missed matches as a sample of known matches has it: an estimate, and what it is at most with 97.5 %."""

    expected: float
    most: float


def missed_matches(
    pairs: Met, total: NDArray[np.int64], decisions: Decisions, n_smaller: int
) -> Missed:
    """Return what a run can say of the matches that it did not link.

    Args:
        pairs: each candidate pair once.
        total: total weight of each.
        decisions: what was decided of them.
        n_smaller: records of the smaller file.
    """
    linked = pairs[decisions.band == Band.AUTO]
    is_free = np.ones(len(pairs), dtype=bool)
    for side in ("smaller", "larger"):
        is_free &= ~np.isin(pairs[side], linked[side])
    free = pairs[is_free]
    n_records = [len(np.unique(free[side])) for side in ("smaller", "larger")]
    return Missed(
        expected_met=sum_of_probabilities(total[is_free]),
        most_met=min(n_records),
        most=n_smaller - len(linked),
    )


def missed_by_sample(n_known: int, n_known_missed: int, n_linked: int) -> SampledMissed | None:
    """Return how many matches were missed, by a sample of matches that are known otherwise.

    Such a sample are pairs whose known number agrees, judged as if they had none: it has to be as hard to link
    as the rest. An agency that knew the numbers of easy records only would make the bound too low.

    Args:
        n_known: matches in the sample.
        n_known_missed: how many of them were not linked without the number.
        n_linked: links of records that the sample stands for, right ones as far as known.
    Returns:
        None where the sample is empty or all of it was missed: nothing can be said.
    Source of the bound: Wilson (1927), "Probable Inference, the Law of Succession, and Statistical Inference".
    """
    if n_known_missed == n_known:
        return None
    share = n_known_missed / n_known
    half = _Z * math.sqrt(share * (1 - share) / n_known + (_Z / (2 * n_known)) ** 2)
    most = (share + _Z**2 / (2 * n_known) + half) / (1 + _Z**2 / n_known)
    return SampledMissed(*(n_linked * one / (1 - one) for one in (share, most)))
