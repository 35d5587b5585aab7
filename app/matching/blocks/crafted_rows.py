"""What honest files never show, and files show that ask about people: two checks of a run.

A modified encoder can put another value into each row of one record, and learn which was right from what a run
tells. So can copies of a record that carry its link ID. Spec page: `schemas/spec/matching.md`, section 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

import numpy as np

from app.matching.blocks.errors import LinkedBeforeTwiceError, RowsDisagreeError
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import Met

MOST_UNSTEADY: Final = Fraction(1, 20)
# Of so few links a larger share may be by chance: aliases of a few people.
FEW: Final = 20


def require_steady(n_unsteady: int, n_linked: int) -> None:
    """Refuse links of which the meetings of too many contradict each other."""
    if n_unsteady > max(Fraction(FEW), MOST_UNSTEADY * n_linked):
        raise RowsDisagreeError("the rows of too many records disagree about them")


def linked_once(lots: Iterable[Met], rules: LevelRules, n_larger: int) -> Iterator[Met]:
    """Yield lots of pairs as they are, and look at which records were linked before."""
    is_linked = np.zeros(n_larger, dtype=bool)
    for lot in lots:
        before = lot[rules.are_same("linked-before", lot["code"])]
        n_records = min(len(np.unique(before[side])) for side in ("smaller", "larger"))
        if n_records < len(before) or is_linked[before["larger"]].any():
            raise LinkedBeforeTwiceError("a record was linked before to two records")
        is_linked[before["larger"]] = True
        yield lot
