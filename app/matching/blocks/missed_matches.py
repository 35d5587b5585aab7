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

from app.matching.blocks.decisions import Weighed
from app.matching.blocks.rivals import Records
from app.matching.blocks.weights import count_weights, expected_matches


def expected_missed(lots: Iterable[Weighed], linked: Mapping[str, Records]) -> float:
    """Return how many matches are expected among the candidate pairs of two records that are both not linked.

    It goes by their probabilities. In rehearsals it is a third to four fifths of the true number: read it as
    "at least".

    Args:
        lots: all candidate pairs, each once.
        linked: records `smaller` and `larger` of those of them that are linked.
    """
    n_each: Counter[int] = Counter()
    for lot in lots:
        is_free = np.ones(len(lot), dtype=bool)
        for side in ("smaller", "larger"):
            is_free &= ~np.isin(lot.pairs[side], linked[side])
        n_each += count_weights(lot.total[is_free])
    return expected_matches(n_each)
