"""What a run says of its links without the truth: how their fields agree, and how many matches it missed."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.bins import Rows
from app.matching.blocks.weights import count_weights, expected_matches

if TYPE_CHECKING:
    from app.matching.blocks.levels import LevelNumbers
    from schemas.linkage.profile import EncodingProfile


@dataclass(frozen=True, slots=True)
class FieldConcordance:
    """Linked pairs by their level in a field.

    Attributes:
        field: the field's name in the profile.
        apart: pairs at another level than the first, which is the nearest.
        other: those of them at the last level, which holds without a condition.
        missing: pairs of which one record lacks the field.
    """

    field: str
    apart: int = dataclasses.field(repr=False)
    other: int = dataclasses.field(repr=False)
    missing: int = dataclasses.field(repr=False)


def concordance(
    levels: LevelNumbers, n_each: NDArray[np.int64], profile: EncodingProfile
) -> tuple[FieldConcordance, ...]:
    """Return how linked pairs agree on each field of the profile but those of what agencies remember."""
    found = []
    for at, one in enumerate(profile.fields):
        if one.memory is None:
            of_level = np.zeros(len(one.levels) + 1, dtype=np.int64)
            np.add.at(of_level, levels[:, at], n_each)
            apart, other = int(of_level[2:].sum()), int(of_level[len(one.levels)])
            found.append(FieldConcordance(one.name, apart, other, int(of_level[0])))
    return tuple(found)


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
