"""A report: the counts, what was found, and the document of it that may be shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from encoding.quality.counts import BirthCounts, BlockCounts, ColumnCounts, Counts, NumberCounts
from encoding.quality.findings import FLOOR, Finding, is_small
from schemas.documents.canonical import canonical_digest

VERSION = "blindlink/quality/2"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found in a file.

    Attributes:
        profile: digest of the encoding profile that the file was checked for.
        counts: the file in numbers.
        findings: what is worth saying, what stops first.
        former_rows: rows at the last check; None where there was none.
    """

    profile: str
    counts: Counts
    findings: tuple[Finding, ...]
    former_rows: int | None

    @property
    def stops(self) -> tuple[Finding, ...]:
        """The findings for which nothing should be encoded."""
        return tuple(finding for finding in self.findings if finding.standing == "stop")

    def accepted(self) -> Report:
        """Return the report after a person has accepted what stops."""
        findings = [
            replace(one, standing="warn") if one.standing == "stop" else one
            for one in self.findings
        ]
        return replace(self, findings=tuple(findings))

    def document(self, *, shareable: bool) -> dict[str, Any]:
        """Return the counts as JSON without floats; null is a small count that is not told."""
        counts = self.counts

        def told(count: int, of: int) -> int | None:
            return _told(count, of) if shareable else count

        return {
            "version": VERSION,
            "profile": self.profile,
            "rows": counts.rows,
            "records": counts.records,
            "rows_without_id": told(counts.rows_without_id, counts.rows),
            "rows_refused": told(counts.rows_refused, counts.rows),
            "duplicates": told(counts.duplicates, counts.records),
            "columns": [_column(column, counts.rows, told) for column in counts.columns],
            "absent": list(counts.absent),
            "births": _births(counts.births, told, shareable=shareable),
            "blocks": _blocks(counts.blocks, told),
            "numbers": _numbers(counts.numbers, counts.records, told),
            "floor": FLOOR if shareable else 0,
        }

    def digest(self) -> str:
        """Return the SHA-256 of the shareable document, which goes into the manifest of the upload."""
        return canonical_digest(self.document(shareable=True))


def years_shown(by_year: Mapping[int, int], *, shareable: bool) -> list[tuple[int, int | None]]:
    """Return the dates of birth by year; with `shareable`, small years are not told.

    One small year alone would follow from the total, so a second one is then left out with it.
    """
    years = sorted(by_year.items())
    if not shareable:
        return list(years)
    hidden = {year for year, count in years if 0 < count < FLOOR}
    if len(hidden) == 1:
        others = [(count, year) for year, count in years if year not in hidden]
        hidden |= {min(others)[1]} if others else set()
    return [(year, None if year in hidden else count) for year, count in years]


def _told(count: int, of: int) -> int | None:
    return None if is_small(count, of) else count


def _column(column: ColumnCounts, rows: int, told: Any) -> dict[str, Any]:
    return {
        "name": column.name,
        "is_required": column.is_required,
        "missing": told(column.missing, rows),
        "placeholder": told(column.placeholder, rows),
        "invalid": told(column.invalid, rows),
        "non_ascii": told(column.non_ascii, rows),
        "garbled": told(column.garbled, rows),
    }


def _births(births: BirthCounts, told: Any, *, shareable: bool) -> dict[str, Any]:
    years: Sequence[tuple[int, int | None]] = years_shown(births.by_year, shareable=shareable)
    return {
        "dates": births.dates,
        "first_of_january": told(births.first_of_january, births.dates),
        "fifteenth": told(births.fifteenth, births.dates),
        "commonest": told(births.commonest, births.dates),
        "in_future": told(births.in_future, births.dates),
        "at_odds": told(births.at_odds, births.dates),
        "too_old": None if births.too_old is None else told(births.too_old, births.dates),
        "oldest": births.oldest,
        "by_year": [[year, count] for year, count in years],
    }


def _numbers(numbers: NumberCounts | None, records: int, told: Any) -> dict[str, Any] | None:
    if numbers is None:
        return None
    return {
        "holders": told(numbers.holders, records),
        "sharing": told(numbers.sharing, numbers.holders),
        "shared": told(numbers.shared, numbers.holders),
    }


def _blocks(blocks: BlockCounts, told: Any) -> dict[str, Any]:
    return {
        "cap": blocks.cap,
        "one_in": blocks.one_in,
        "records": blocks.records,
        "keyless": told(blocks.keyless, blocks.records),
        "passes": [
            {
                "name": one.name,
                "keys": one.keys,
                "records_without": told(one.records_without, blocks.records),
                "blocks_too_large": told(one.blocks_too_large, one.keys),
                "rows_dropped": told(one.rows_dropped, one.keys),
                "dropped_by": list(one.dropped_by),
            }
            for one in blocks.passes
        ],
    }
