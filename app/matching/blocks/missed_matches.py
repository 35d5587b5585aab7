"""How many matches a run did not link, as far as it can know without the truth.

Pairs that no pass brought together leave no trace. How many cells the others met in does not tell: in 21
rehearsals the never-met were between none and ten times the matches that met in one cell, and estimates from
such counts (Chao, Lincoln-Petersen) were wrong both ways. So a run says what it expects among the pairs that it
saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.bins import Rows
from app.matching.blocks.weights import count_weights, expected_matches


def expected_missed(lots: Iterable[Rows], linked: Mapping[str, NDArray[np.bool_]]) -> float:
    """Return how many matches are expected among the candidate pairs of two records that are both not linked.

    It goes by their probabilities. In rehearsals it is a third to four fifths of the true number: read it as
    "at least".
    """
    n_each: Counter[int] = Counter()
    for lot in lots:
        is_free = ~(linked["smaller"][lot["smaller"]] | linked["larger"][lot["larger"]])
        n_each += count_weights(lot["total"][is_free])
    return expected_matches(n_each)
