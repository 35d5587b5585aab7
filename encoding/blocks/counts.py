"""How often strangers of a file agree, and twins: the counts that the manifest states, and duplicates found.

Strangers are counted on random pairs. Twins and duplicates are told apart among pairs of records that share
a blocking key, by a mixture of three classes: duplicates agree like true matches, strangers like random
pairs; twins agree on surname, date and address, and in their first names like strangers.
Source: Fellegi and Sunter (1969); the mixture by expectation maximisation (Winkler 1988).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.clear import ClearLevels, LevelNumbers
from encoding.blocks.values import Lines
from schemas.linkage.counts import FieldCounts, FileCounts, published_twins
from schemas.linkage.fields import MILLION
from schemas.linkage.profile import EncodingProfile

STRANGER_PAIRS: Final = 1_500_000
_PAIRS_AT_ONCE: Final = 100_000
_ROUNDS: Final = 20
# What the mixture starts from: so many duplicates and twins a thousand records.
_DUPLICATES_AT_FIRST: Final = 0.002
_TWINS_AT_FIRST: Final = 0.005
_SMOOTHING: Final = 0.3
_LEAST: Final = 1e-9
_MOST_LOG_ODDS: Final = 60.0

Shares = list[NDArray[np.float64]]
"""A distribution over the levels of each field; place 0, a missing field, is 0."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Classes:
    """Pairs of records of one file, and what each is held for.

    Attributes:
        twins: how twins are spread over the levels of each field.
        n_twin_pairs: expected number of twin pairs.
        duplicate: probability of each pair that both records are one person's, shape (n pairs,).
    """

    twins: Shares
    n_twin_pairs: float
    duplicate: NDArray[np.float64]


def count_strangers(
    levels: ClearLevels,
    lines: Lines,
    records: NDArray[np.uint32],
    draw: np.random.Generator,
    n_pairs: int = STRANGER_PAIRS,
) -> list[NDArray[np.int64]]:
    """Return how many random pairs of different records are at each level of each field."""
    counts = [np.zeros(size, dtype=np.int64) for size in levels.sizes]
    for start in range(0, n_pairs, _PAIRS_AT_ONCE):
        pair = draw.integers(0, len(lines), (2, min(_PAIRS_AT_ONCE, n_pairs - start)))
        left, right = pair[:, records[pair[0]] != records[pair[1]]]
        found = levels.compare(lines[left], lines[right], draw)
        for number, size in enumerate(levels.sizes):
            counts[number] += np.bincount(found[:, number], minlength=size + 1)[1:]
    return counts


def name_dependence(profile: EncodingProfile, lines: Lines, columns: Sequence[str]) -> int:
    """Return by how much more often two records agree on both names than the names apart would have it.

    In thousandths of a bit, from exact counts of equal values; 0 where the profile names no dependence. Pairs
    of one person's rows do not count.

    Args:
        profile: names the two fields.
        lines: of the file, or of a sample of it.
        columns: the lane of each place of a line.
    """
    if profile.dependence is None:
        return 0
    fields = {field.name: field for field in profile.fields}
    named = [one.field for one in profile.dependence.levels]
    keys = []
    for name in named:
        lanes = [lane.column for lane in fields[name].lanes if lane.kind == "filter"]
        keys.append(lines[:, [columns.index(lane) for lane in lanes]])
    # Who agrees also on what twins share, such as the date of birth, is one person: entered twice, or in
    # several rows. In a small file those would be most of the pairs that agree on both names.
    shared = next((one for one in profile.fields if one.twins and one.name not in named), None)
    own = [columns.index(lane.column) for lane in shared.lanes] if shared else []

    def strangers(values: Lines) -> float:
        same = _equal_pairs(np.concatenate([values, lines[:, own]], axis=1)) if own else 0.0
        return _equal_pairs(values) - same

    one, other = strangers(keys[0]), strangers(keys[1])
    both = strangers(np.concatenate(keys, axis=1))
    if not (one > 0 and other > 0 and both > 0):
        return 0
    n = len(lines)
    return max(0, round(1000 * math.log2(both * n * (n - 1) / (one * other))))


def tell_apart(
    profile: EncodingProfile,
    strangers: Sequence[NDArray[np.int64]],
    dependence: int,
    found: LevelNumbers,
    n_records: int,
    *,
    share: float = 1.0,
) -> Classes:
    """Tell duplicates, twins and strangers apart among pairs of records that share a blocking key.

    Args:
        profile: m, how twins agree, and the strengths of both.
        strangers: counts of random pairs.
        dependence: of both names, in thousandths of a bit.
        found: levels of the pairs, each pair once.
        n_records: records of the file.
        share: which share of such pairs the given ones are.
    """
    u = [_share(count + _SMOOTHING) for count in strangers]
    m = [_share(np.array([level.m for level in field.levels], float)) for field in profile.fields]
    first = [_share(np.array(published_twins(field), float)) for field in profile.fields]
    twins = [share.copy() for share in first]
    n_all = share * n_records**2 / 2
    n_duplicates, n_twins = (
        share * rate * n_records for rate in (_DUPLICATES_AT_FIRST, _TWINS_AT_FIRST)
    )
    off = dependence / 1000 * math.log(2) * _is_dependent(profile, found)
    duplicate_odds = _log_ratio(m, u, found) - off
    duplicate = np.zeros(len(found))
    for _ in range(_ROUNDS):
        one = np.exp(np.minimum(duplicate_odds, _MOST_LOG_ODDS)) * n_duplicates / n_all
        two = (
            np.exp(np.minimum(_log_ratio(twins, u, found) - off, _MOST_LOG_ODDS)) * n_twins / n_all
        )
        duplicate, twin = one / (1 + one + two), two / (1 + one + two)
        n_duplicates, n_twins = max(duplicate.sum(), 1.0), max(twin.sum(), 1.0)
        twins = [
            _refit(field.twins, share, twin, found[:, number], profile.twin_strength)
            for number, (field, share) in enumerate(zip(profile.fields, first, strict=True))
        ]
    return Classes(twins, n_twins / share, duplicate)


def file_counts(
    profile: EncodingProfile,
    strangers: Sequence[NDArray[np.int64]],
    dependence: int,
    classes: Classes,
) -> FileCounts:
    """Return what the manifest of the larger file states."""
    return FileCounts(
        fields=tuple(
            FieldCounts(
                field=field.name,
                # A column that the file lacks is compared nowhere; the profile says what could be expected.
                strangers=tuple(count.tolist() if count.any() else (u.u for u in field.levels)),
                twins=_parts(share) if field.is_counted else published_twins(field),
            )
            for field, count, share in zip(profile.fields, strangers, classes.twins, strict=True)
        ),
        dependence=min(dependence, 30_000),
        twin_pairs=max(1, round(classes.n_twin_pairs)),
    )


def _equal_pairs(values: Lines) -> float:
    """Return how many ordered pairs of different lines have equal values."""
    rows = np.ascontiguousarray(values).view(f"V{values.itemsize * values.shape[1]}").reshape(-1)
    counts = np.unique(rows, return_counts=True)[1].astype(float)
    return float((counts**2).sum() - len(values))


def _share(counts: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    return np.concatenate([[0.0], counts / counts.sum()])


def _log_ratio(top: Shares, bottom: Shares, found: LevelNumbers) -> NDArray[np.float64]:
    total = np.zeros(len(found))
    for number, (one, other) in enumerate(zip(top, bottom, strict=True)):
        ratio = np.log(np.maximum(one, _LEAST)) - np.log(np.maximum(other, _LEAST))
        ratio[0] = 0.0
        total += ratio[found[:, number]]
    return total


def _is_dependent(profile: EncodingProfile, found: LevelNumbers) -> NDArray[np.bool_]:
    if profile.dependence is None:
        return np.zeros(len(found), dtype=bool)
    reached = np.ones(len(found), dtype=bool)
    for named in profile.dependence.levels:
        number = [field.name for field in profile.fields].index(named.field)
        names = [level.name for level in profile.fields[number].levels]
        reached &= np.isin(found[:, number], [names.index(name) + 1 for name in named.levels])
    return reached


def _refit(
    twins: int,
    first: NDArray[np.float64],
    weight: NDArray[np.float64],
    found: NDArray[np.uint8],
    strength: int,
) -> NDArray[np.float64]:
    """Return how twins are spread over a field's levels.

    On a field that twins do not share, the nearest level stays that of strangers: who agrees there is more
    likely a duplicate. Between the others they are counted, since twins are given names that look alike.
    """
    counted = np.bincount(found, weight, minlength=len(first))[1:] + strength * first[1:]
    if twins:
        return _share(counted)
    rest = counted[1:] / counted[1:].sum() * (1 - first[1])
    return np.concatenate([first[:2], rest])


def _parts(share: NDArray[np.float64]) -> tuple[int, ...]:
    parts = [int(value * MILLION) for value in share[1:].tolist()]
    parts[-1] += MILLION - sum(parts)
    return tuple(parts)
