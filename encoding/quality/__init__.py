"""Report on the quality of a file before it is encoded: aggregates only, and no value of any record."""

from __future__ import annotations

from encoding.quality.counts import BirthCounts, ColumnCounts, Counts
from encoding.quality.findings import Finding, judge
from encoding.quality.report import Report
from encoding.quality.tally import Ask, count_file

__all__ = [
    "Ask",
    "BirthCounts",
    "ColumnCounts",
    "Counts",
    "Finding",
    "Report",
    "count_file",
    "judge",
]
