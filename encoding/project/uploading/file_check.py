"""A check of the agency's file, as `check` reports it and `refresh` insists on it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from encoding.errors import QualityError
from encoding.project.session import Session
from encoding.project.uploading.subject import Subject
from encoding.quality import Ask, Report
from encoding.quality.duplicates import write_duplicates
from encoding.quality.last_check import KeptCheck, check_file, keep_check, read_kept_check

KIND = "check"


def checked(
    session: Session,
    subject: Subject,
    as_of: date | None,
    *,
    accept: bool = False,
    duplicates: Path | None = None,
) -> Report:
    """Check a file and remember the check, unless it says stop and nobody accepts that.

    Without a settings file nothing is remembered, and nothing is compared with. `duplicates` is where pairs of
    records that are probably one person are listed; None lists none.
    """
    has_workspace = session.config_path.exists()
    path = session.workspace.report(session.project, KIND) if has_workspace else None
    former = read_kept_check(path) if path else KeptCheck()
    ask = Ask(
        subject.profile,
        subject.file,
        subject.columns,
        subject.date_format,
        as_of or _day(session),
        lists_duplicates=duplicates is not None,
    )
    with session.progress() as progress:
        found = check_file(ask, former, progress)
    if duplicates is not None:
        write_duplicates(duplicates, subject.file, found.duplicates)
        session.say(f"{len(found.duplicates):,} pairs of records are listed in {duplicates}")
    report = found.report
    if path is not None and (accept or not report.stops):
        keep_check(path, report, subject.file.path, former, accept=accept)
    return report


def refuse_stops(report: Report, *, shareable: bool = False) -> None:
    """Raise QualityError if the file should not be encoded; `shareable` hides small counts."""
    if not report.stops:
        return
    first, more = report.stops[0], len(report.stops) - 1
    raise QualityError(
        first.sentence(shareable=shareable) + (f", and {more} more" if more else ""),
        hint="look at it with: blindlink check --html check.html; if the file is right:"
        " blindlink check --accept",
    )


def kept_digest(session: Session, file: Path) -> str | None:
    """Return the digest of the last check if it was of this very file."""
    kept = read_kept_check(session.workspace.report(session.project, KIND))
    return kept.digest if kept.is_about(file) else None


def _day(session: Session) -> date:
    today = session.now().date()
    if session.config_path.exists():
        return date.fromisoformat(session.config.as_of(today))
    return today
