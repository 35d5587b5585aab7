"""Pairs that agree on a known number, such as a student ID, which their names or dates do not bear out.

A number may be another person's: mistyped, taken from a sibling, shared by many. So it brings records together
and weighs much, but such a pair is linked by a person only. Spec page: `schemas/spec/matching.md`, section 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.levels import MISSING, LevelNumbers
from schemas.profile import EncodingProfile

_SAME = 1


def are_doubtful(profile: EncodingProfile, levels: LevelNumbers) -> NDArray[np.bool_]:
    """Tell which pairs agree on a number that other fields contradict, or of which none says anything.

    A pair that was linked before is none: what a person has decided is not asked anew in each round.

    Args:
        profile: names the number and what contradicts it.
        levels: of each pair or pattern, shape (n, n fields).
    """
    doubtful = np.zeros(len(levels), dtype=bool)
    place = {field.name: at for at, field in enumerate(profile.fields)}
    for at, number in enumerate(profile.fields):
        if not number.contradicted_by:
            continue
        is_contradicted = np.zeros(len(levels), dtype=bool)
        is_silent = np.ones(len(levels), dtype=bool)
        for one in number.contradicted_by:
            found = levels[:, place[one.field]]
            names = [level.name for level in profile.fields[place[one.field]].levels]
            is_contradicted |= np.isin(found, [names.index(name) + 1 for name in one.levels])
            is_silent &= found == MISSING
        doubtful |= (levels[:, at] == _SAME) & (is_contradicted | is_silent)
    for at, field in enumerate(profile.fields):
        if field.memory == "linked-before":
            doubtful &= levels[:, at] != _SAME
    return doubtful


def capped(
    total: NDArray[np.int64], is_doubtful: NDArray[np.bool_], auto: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return total weights, doubtful ones below the bound `auto` of links, and which were above it."""
    is_capped = is_doubtful & (total >= auto)
    return np.where(is_capped, auto - 1, total), is_capped
