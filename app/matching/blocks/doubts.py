"""Pairs that are not linked, or by a person only, whatever their weight.

Of two records of which one lacks a name or the date of birth too little is compared to ask a person about them:
an agency could look strangers up by such records.

A number that two records share may be another person's: mistyped, taken from a sibling, shared by many. And a
record that was linked may have become another person's, such as where numbers of records are used again. Both
weigh much, but such a pair is linked by a person only. Spec page: `schemas/spec/matching.md`, section 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.levels import MISSING, LevelNumbers
from schemas.linkage.link_quality import TELLING_FIELDS
from schemas.linkage.profile import EncodingProfile

_SAME = 1
# A level that is at least so many times likelier of one person than of two says much: not a sex or an initial.
_SUPPORT = 32


def are_bare(profile: EncodingProfile, levels: LevelNumbers) -> NDArray[np.bool_]:
    """Tell which pairs are not compared by both names and the date of birth, and were not linked before.

    A known number on which they agree takes the place of one of the three.
    """
    names = [field.name for field in profile.fields]
    telling = [names.index(name) for name in TELLING_FIELDS if name in names]
    numbers = [at for at, one in enumerate(profile.fields) if one.contradicted_by]
    before = [at for at, one in enumerate(profile.fields) if one.memory == "linked-before"]
    n_missing = (levels[:, telling] == MISSING).sum(axis=1)
    # A profile has one known number at most.
    n_replaced = (levels[:, numbers] == _SAME).sum(axis=1)
    bare: NDArray[np.bool_] = (n_missing > n_replaced) & ~(levels[:, before] == _SAME).any(axis=1)
    return bare


def are_doubtful(profile: EncodingProfile, levels: LevelNumbers) -> NDArray[np.bool_]:
    """Tell which pairs agree on a number that other fields contradict, or of which none says anything.

    Of a pair that was linked before that is no doubt, as what a person has decided is not asked anew in each
    round. It is in doubt where no name, date or other field says much for it.
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
            was_linked = levels[:, at] == _SAME
            doubtful = np.where(was_linked, _are_without_support(profile, levels), doubtful)
    return doubtful


def _are_without_support(profile: EncodingProfile, levels: LevelNumbers) -> NDArray[np.bool_]:
    """Tell of which pairs no field is at a level that says much for one person, by the shipped numbers."""
    is_supported = np.zeros(len(levels), dtype=bool)
    for at, field in enumerate(profile.fields):
        if field.memory is None:
            # m is in millionths, u in billionths.
            strong = [
                n for n, one in enumerate(field.levels, start=1) if 1000 * one.m >= _SUPPORT * one.u
            ]
            is_supported |= np.isin(levels[:, at], strong)
    return ~is_supported


def capped(
    profile: EncodingProfile,
    levels: LevelNumbers,
    total: NDArray[np.int64],
    *,
    auto: int,
    review: int,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return total weights as they count, and which are sent to review for a doubt.

    Bare pairs are below the bound `review`, doubtful ones below the bound `auto` of links.
    """
    is_bare = are_bare(profile, levels)
    is_capped = are_doubtful(profile, levels) & (total >= auto) & ~is_bare
    total = np.where(is_bare, np.minimum(total, review - 1), total)
    return np.where(is_capped, auto - 1, total), is_capped
