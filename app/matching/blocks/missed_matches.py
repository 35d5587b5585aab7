"""How many matches a run did not link, as far as it can know without the truth.

Pairs that no pass brought together leave no trace. How many cells the others met in does not tell: in 21
rehearsals the never-met were between none and ten times the matches that met in one cell, and estimates from
such counts (Chao, Lincoln-Petersen) were wrong both ways. So a run says what it expects among the pairs that it
saw, and bounds that always hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.decisions import Band, Decisions
from app.matching.blocks.pairs import Met
from app.matching.blocks.weights import sum_of_probabilities


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
