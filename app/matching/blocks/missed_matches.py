"""How many matches a run did not link, as far as it can know without the truth.

Pairs that no pass brought together leave no trace. How many cells the others met in does not tell: in 21
rehearsals the never-met were between none and ten times the matches that met in one cell, and estimates from
such counts (Chao, Lincoln-Petersen) were wrong both ways. So a run says what it expects among the pairs that it
saw.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.decisions import Band, Decisions
from app.matching.blocks.pairs import Met
from app.matching.blocks.weights import sum_of_probabilities


def expected_missed(pairs: Met, total: NDArray[np.int64], decisions: Decisions) -> float:
    """Return how many matches are expected among the candidate pairs of two records that are both not linked.

    It goes by their probabilities. In rehearsals it is a third to four fifths of the true number: read it as
    "at least".

    Args:
        pairs: each candidate pair once.
        total: total weight of each.
        decisions: what was decided of them.
    """
    linked = pairs[decisions.band == Band.AUTO]
    is_free = np.ones(len(pairs), dtype=bool)
    for side in ("smaller", "larger"):
        is_free &= ~np.isin(pairs[side], linked[side])
    return sum_of_probabilities(total[is_free])
