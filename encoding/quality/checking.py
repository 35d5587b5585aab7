"""Checks a file: counts it, judges the counts, and holds the encoding profile against it."""

from __future__ import annotations

from encoding.progress import Progress, silent
from encoding.quality.counting import Ask, count_file
from encoding.quality.findings import judge
from encoding.quality.kept import KeptCheck
from encoding.quality.report import Report
from encoding.quality.settings import weak_settings


def check_file(ask: Ask, former: KeptCheck, progress: Progress = silent) -> Report:
    """Read the file once and report on it.

    Args:
        ask: what is to be checked.
        former: the last check, which the number of rows is compared with.
        progress: told how far the reading is.
    Raises:
        InputError: the file cannot be read at all.
        AgencyError: settings or profile cannot be used.
    """
    counted = count_file(ask, progress)
    findings = judge(
        counted.counts,
        former_rows=former.rows,
        weak=weak_settings(ask.profile, counted, ask.date_format),
        is_hardened=ask.profile.hardening.kind != "none",
        accepted=former.accepted,
    )
    return Report(ask.profile.digest(), counted.counts, findings, former.rows)
