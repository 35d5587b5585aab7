"""A check of a file, and what is remembered of the last one: in the workspace, in numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encoding.files import write_durably
from encoding.progress import Progress, silent
from encoding.quality.duplicates import DuplicatePair
from encoding.quality.findings import judge
from encoding.quality.report import Report
from encoding.quality.tally import Ask, count_file
from encoding.records.read_once import made_once
from encoding.records.table import file_identity


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


VERSION = "blindlink/kept-check/1"


@dataclass(frozen=True, slots=True)
class KeptCheck:
    """The last check that let the file pass.

    Attributes:
        rows: how many rows the file had; None if there was no check.
        accepted: key of each finding that was accepted to the share at that time.
        digest: digest of the shareable document; empty if there was no check.
        file: size and time of the file that was checked.
        document: the shareable document; empty if there was no check.
    """

    rows: int | None = None
    accepted: Mapping[str, float] = field(default_factory=dict)
    digest: str = ""
    file: tuple[int, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict)

    def is_about(self, path: Path) -> bool:
        """Return whether the file is still the one that was checked."""
        return self.file == _size_and_time(path)


def read_kept_check(path: Path) -> KeptCheck:
    """Return what was kept; nothing if there is no such file, or one that cannot be read.

    A check can be repeated at any time, so a damaged file is no reason to stop.
    """
    try:
        raw: Any = json.loads(path.read_text("utf-8"))
        if raw["version"] != VERSION:
            return KeptCheck()
        accepted = {str(key): float(share) for key, share in raw["accepted"].items()}
        return KeptCheck(
            int(raw["rows"]),
            accepted,
            str(raw["digest"]),
            tuple(map(int, raw["file"])),
            dict(raw["document"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return KeptCheck()


def keep_check(path: Path, report: Report, file: Path, former: KeptCheck, *, accept: bool) -> None:
    """Remember a check; with `accept`, what stopped it stops no more unless it gets worse.

    An accepted change of rows is not kept: the rows of this check are what the next one is held against.
    """
    accepted = dict(former.accepted)
    if accept:
        accepted |= {finding.key: finding.share for finding in report.stops if finding.is_kept}
    kept = {
        "version": VERSION,
        "rows": report.counts.rows,
        "accepted": accepted,
        "digest": report.digest(),
        "file": _size_and_time(file),
        "document": report.document(shareable=True),
    }
    write_durably(path, json.dumps(kept, indent=1).encode())


def _size_and_time(path: Path) -> tuple[int, ...]:
    return file_identity(path)[1:]
