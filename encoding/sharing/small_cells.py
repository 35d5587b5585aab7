"""Rates by group without a count from which someone's small group could be computed.

Groups below the floor are put together, so that no number of records is left out of the sum. Of a group nearly
all or hardly any of whose records are linked the number is not shown; then other groups' numbers are left out
with it until what is shown, and the total, leave at least a floor's width for each (complementary suppression).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.reports.round_report import GroupRate

# From so many floors of records on, one in twenty of them is at least the floor.
_CODED_FROM: Final = 20


@dataclass(frozen=True, slots=True)
class Group:
    """Records that have a value in common, and how many of them are linked."""

    label: str
    records: int
    linked: int

    def least_side(self) -> int:
        """Return how many are linked or how many are not, whichever is fewer."""
        return min(self.linked, self.records - self.linked)


@dataclass(frozen=True, slots=True)
class _Row:
    group: Group
    groups: int = 1

    def is_small(self, floor: int) -> bool:
        return self.group.least_side() < floor

    def range(self, floor: int) -> tuple[int, int]:
        """Return between which percentages the share lies, as far as that tells of no few records."""
        one = self.group
        if self.is_small(floor) and one.records >= _CODED_FROM * max(1, floor):
            if 20 * one.linked >= 19 * one.records:
                return 95, 100
            if 20 * one.linked <= one.records:
                return 0, 5
        return 0, 100


def shown_groups(
    groups: Iterable[Group], floor: int, *, others: str, most: int = 16
) -> tuple[GroupRate, ...]:
    """Return the groups as they may be shown beside their total numbers of records and links.

    Args:
        groups: that each record is in one of; those without a record are left out.
        floor: the smallest number that is shown.
        others: what groups that are put together are called.
        most: how many rows there may be.
    Returns:
        The largest first, those that are put together last; none where nothing but the total is left.
    """
    rows = _pooled([one for one in groups if one.records], floor, others, most)
    if len(rows) < 2:
        return ()
    hidden = _hidden(rows, floor)
    return tuple(_shown(row, floor, is_hidden=at in hidden) for at, row in enumerate(rows))


def _shown(row: _Row, floor: int, *, is_hidden: bool) -> GroupRate:
    least, most = row.range(floor) if is_hidden else (0, 100)
    return GroupRate(
        label=row.group.label,
        groups=row.groups,
        records=row.group.records,
        linked=None if is_hidden else row.group.linked,
        least=least,
        most=most,
    )


def _pooled(groups: Sequence[Group], floor: int, others: str, most: int) -> list[_Row]:
    ordered = sorted(groups, key=lambda one: (-one.records, one.label))
    n_kept = sum(one.records >= floor for one in ordered)
    if n_kept > most or (n_kept == most and n_kept < len(ordered)):
        n_kept = most - 1
    kept, pool = ordered[:n_kept], ordered[n_kept:]
    while pool and sum(one.records for one in pool) < floor and kept:
        pool.append(kept.pop())
    rows = [_Row(one) for one in kept]
    if pool:
        records, linked = sum(one.records for one in pool), sum(one.linked for one in pool)
        rows.append(_Row(Group(others, records, linked), len(pool)))
    return rows


def _hidden(rows: Sequence[_Row], floor: int) -> set[int]:
    """Return the places of the rows whose number of links is left out."""
    small = {at for at, row in enumerate(rows) if row.is_small(floor)}
    hidden = set(small)
    # What protects best comes first: the more of it is on both sides, the wider is what others may be.
    spare = sorted(set(range(len(rows))) - hidden, key=lambda at: rows[at].group.least_side())
    while hidden and spare and _narrowest(rows, hidden, small, floor) < floor:
        hidden.add(spare.pop())
    return hidden


def _narrowest(rows: Sequence[_Row], hidden: set[int], small: set[int], floor: int) -> int:
    """Return how wide the narrowest range is in which a reader finds a number that has to be hidden."""
    ranges = {at: _bounds(rows[at], floor) for at in hidden}
    whole = sum(rows[at].group.linked for at in hidden)
    low, high = (sum(one[side] for one in ranges.values()) for side in (0, 1))
    widths = []
    for at in small:
        least, most = ranges[at]
        widths.append(min(most, whole - low + least) - max(least, whole - high + most))
    return min(widths)


def _bounds(row: _Row, floor: int) -> tuple[int, int]:
    least, most = row.range(floor)
    records = row.group.records
    return -(-least * records // 100), most * records // 100
