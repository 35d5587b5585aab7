"""A privacy audit of the agency's file, as `privacy-audit` reports it and `refresh` insists on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoding.cli.parts.session import Session
from encoding.cli.parts.subject import Subject
from encoding.errors import PrivacyAuditError
from encoding.privacy_audit.audit import audit_file
from encoding.privacy_audit.clear_sample import read_clear
from encoding.privacy_audit.goals import judge_audit
from encoding.privacy_audit.last_audit import KeptAudit, keep_audit, read_kept_audit
from encoding.privacy_audit.report import AuditReport

if TYPE_CHECKING:
    from encoding.privacy_audit.results import AuditScope
    from schemas.profile import Side

KIND = "privacy-audit"


def audited(session: Session, subject: Subject, scope: AuditScope, side: Side) -> AuditReport:
    """Attack a file with a rehearsed partner's, and remember it if every goal was reached.

    Without a settings file nothing is remembered.

    Args:
        session: the options of the call.
        subject: the file, how it is read, and the profile.
        scope: how much is attacked.
        side: whether it is the larger or the smaller file of the pair, by the agreement.
    """
    with session.progress() as progress:
        read = read_clear(
            subject.file,
            subject.profile,
            columns=subject.columns,
            date_format=subject.date_format,
            n_records=scope.n_records,
            progress=progress,
        )
        audit = audit_file(
            subject.profile,
            read.file,
            side,
            scope,
            n_in_file=read.n_records,
            progress=progress,
        )
    outcomes = judge_audit(audit, subject.profile)
    report = AuditReport(subject.profile.digest(), audit, outcomes)
    if session.config_path.exists() and outcomes and not report.missed:
        keep_audit(session.workspace.report(session.project, KIND), report, read.n_rows)
    return report


def refuse_missed(report: AuditReport) -> None:
    """Raise PrivacyAuditError if a goal was missed."""
    if report.missed:
        raise PrivacyAuditError(
            report.missed[0].sentence.rstrip("."),
            hint="see all of it with: blindlink privacy-audit --html audit.html; the agreement must name"
            " a stronger encoding profile",
        )


def kept_audit(session: Session) -> KeptAudit:
    """Return the last audit that reached its goals."""
    return read_kept_audit(session.workspace.report(session.project, KIND))
