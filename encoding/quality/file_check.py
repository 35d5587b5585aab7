"""Checks a file: counts it and judges the counts."""

from __future__ import annotations

from dataclasses import dataclass

from encoding.progress import Progress, silent
from encoding.quality.duplicates import DuplicatePair
from encoding.quality.findings import judge
from encoding.quality.last_check import KeptCheck
from encoding.quality.report import Report
from encoding.quality.tally import Ask, count_file
from encoding.records.read_once import made_once


@dataclass(frozen=True, slots=True, repr=False)
class Checked:
    """The report, and pairs of records that are probably one person, the likeliest first."""

    report: Report
    duplicates: tuple[DuplicatePair, ...]


def check_file(ask: Ask, former: KeptCheck, progress: Progress = silent) -> Checked:
    """Read the file once and report on it.

    Args:
        ask: what is to be checked.
        former: the last check, which the number of rows is compared with.
        progress: told how far the reading is.
    Raises:
        InputError: the file cannot be read at all.
        AgencyError: settings or profile cannot be used.
    """
    about = {
        "profile": ask.profile.digest(),
        "records": ask.file.records,
        "columns": tuple(sorted(ask.columns.items())),
        "date_format": ask.date_format,
        "as_of": ask.as_of,
        "lists_duplicates": ask.lists_duplicates,
    }
    counted = made_once("count", about, lambda: count_file(ask, progress))
    findings = judge(counted.counts, former_rows=former.rows, accepted=former.accepted)
    report = Report(ask.profile.digest(), counted.counts, findings, former.rows)
    return Checked(report, counted.duplicates)
