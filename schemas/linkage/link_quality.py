"""What a run tells of its own links without the truth: how many may be wrong, and how many may be missing.

Intervals were fitted to rehearsals and are measured by `benchmarks/intervals.py`; they are worked out in whole
numbers, so that everybody comes to the same. Spec page: `schemas/spec/round-report.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Annotated, Final, Protocol, TypeVar

from pydantic import Field

from schemas.documents.document import Model
from schemas.documents.ids import Code

Number = Annotated[int, Field(ge=0, le=2**50)]

# Errors of these tell how many matches differ in so much that nothing brought them together.
BIRTH_DATE: Final = "birth-date"
TELLING_FIELDS: Final = ("first-name", "surname", BIRTH_DATE)


class Concordance(Model):
    """How the linked pairs of a run agree on one field of the encoding profile.

    Of them `apart` do not agree exactly, `other` of these not even in part, and of `missing` one record has no
    value. A count is null where it, or what is left of those around it, lies below the floor.
    """

    field: Code
    apart: Number | None
    other: Number | None
    missing: Number | None


@dataclass(frozen=True, slots=True)
class Interval:
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int

    def words(self) -> str:
        """Return it as pages write it."""
        return f"{self.low:,} to {self.high:,}"


class Counted(Protocol):
    """The counts of one field as they are; `Concordance` says what they mean."""

    @property
    def field(self) -> str: ...  # noqa: D102
    @property
    def apart(self) -> int: ...  # noqa: D102
    @property
    def other(self) -> int: ...  # noqa: D102
    @property
    def missing(self) -> int: ...  # noqa: D102


_Field = TypeVar("_Field", bound=Counted)


def shown_concordance(
    n_linked: int, fields: Sequence[_Field], floor: int
) -> tuple[Concordance, ...]:
    """Return the counts that may be shown of so many linked pairs, null in place of the others."""
    return tuple(_shown(n_linked, one, floor) for one in fields)


def _shown(n_linked: int, one: Counted, floor: int) -> Concordance:
    apart = _if(one.apart, one.apart, n_linked - one.apart, floor=floor)
    rest = n_linked - one.missing - (0 if apart is None else apart)
    missing = _if(one.missing, one.missing, n_linked - one.missing, rest, floor=floor)
    in_part = one.apart - one.other
    other = None if apart is None else _if(one.other, one.other, in_part, floor=floor)
    return Concordance(field=one.field, apart=apart, other=other, missing=missing)


def _if(count: int, *parts: int, floor: int) -> int | None:
    return count if min(parts) >= floor else None


def wrong_links(expected_hundredths: int) -> Interval:
    """Return how many links of a run are wrong, by how many its match probabilities expect.

    Rehearsals had from a tenth of that to as many; twice as many and a twelfth are taken, and chance on top.
    """
    return Interval(_at_least(expected_hundredths, 1, 12), _at_most(expected_hundredths, 2, 1))


def missed_matches(
    n_linked: int, n_smaller: int, fields: Sequence[Concordance], floor: int
) -> Interval:
    """Return how many matches a run has not linked, by how often those that it linked disagree.

    Where names and dates of linked pairs differ often, there are pairs that differ in too much to be met.
    So many people are in both files and not linked. Rehearsals had a sixth to a third as many as there are such
    differences, populations that nobody tuned to a seventh to once as many, most where few names are common; an
    eighth and five quarters are taken, and chance on top. What is not shown may be anything below the floor.

    Args:
        n_linked: pairs that the run linked.
        n_smaller: records of the smaller file; no more can have a match.
        fields: how the linked pairs agree.
        floor: the smallest count that is shown.
    Returns:
        From none to all records that are not linked, where the profile has none of the fields that tell.
    """
    most = max(0, n_smaller - n_linked)
    known = {one.field: one.apart for one in fields if one.field in TELLING_FIELDS}
    if len(known) < len(TELLING_FIELDS):
        return Interval(0, most)
    counts = [apart for apart in known.values() if apart is not None]
    hidden = (len(known) - len(counts)) * max(0, floor - 1)
    low = _at_least(100 * sum(counts), 1, 8)
    high = _at_most(100 * (sum(counts) + hidden), 5, 4)
    return Interval(min(low, most), min(high, most))


def true_matches(
    linked: int, records: int, whole: tuple[int, int], wrong: Interval, missed: Interval
) -> Interval:
    """Return how many records of a group have a match, linked or not, by what is told of all records together.

    Links that are wrong are taken as spread over the groups as links are; matches that were missed as links, or
    as records without one, whichever makes more of them in this group. Chance is added as everywhere.
    """
    n_linked, n_open = whole[0], whole[1] - whole[0]
    n_wrong = _part(wrong.high, linked, n_linked)
    n_missed = max(
        _part(missed.high, linked, n_linked), _part(missed.high, records - linked, n_open)
    )
    most = -(-(n_missed + isqrt(400 * n_missed)) // 100)
    return Interval(max(0, linked + n_wrong // -100), min(records, linked + most))


def _part(count: int, of_group: int, of_all: int) -> int:
    """Return a group's part of a count in hundredths, rounded up."""
    return -(-100 * count * of_group // max(1, of_all))


def _at_least(hundredths: int, times: int, of: int) -> int:
    """Return a share of an expected number less two standard deviations of chance, rounded down."""
    mean = hundredths * times // of
    # 100 * 2 * sqrt(mean / 100) = sqrt(400 * mean)
    return max(0, mean - isqrt(400 * mean)) // 100


def _at_most(hundredths: int, times: int, of: int) -> int:
    """Return a multiple of an expected number, two standard deviations and 2, rounded up."""
    mean = -(-hundredths * times // of)
    return -(-(mean + isqrt(400 * mean) + 1) // 100) + 2
