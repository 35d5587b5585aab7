"""A privacy audit of the agency's file, as `privacy-audit` reports it and `refresh` insists on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoding.cli.session import Session
from encoding.cli.subject import Subject, draw_sample
from encoding.errors import PrivacyAuditError

if TYPE_CHECKING:
    from encoding.privacy_audit.audit import AuditScope
    from encoding.privacy_audit.kept import KeptAudit
    from encoding.privacy_audit.report import AuditReport

KIND = "privacy-audit"


def audited(session: Session, subject: Subject, scope: AuditScope) -> AuditReport:
    """Attack a sample of a file, and remember it if every goal was reached.

    Without a settings file nothing is remembered.
    """
    from encoding.privacy_audit import audit_sample, judge_audit
    from encoding.privacy_audit.kept import keep_audit
    from encoding.privacy_audit.report import AuditReport

    with session.progress() as progress:
        drawn = draw_sample(subject, scope.n_records, KIND, progress)
        audit = audit_sample(
            drawn.sample,
            subject.profile,
            columns=drawn.header_of,
            date_format=subject.date_format or "",
            scope=scope,
            progress=progress,
        )
    outcomes = judge_audit(audit, subject.profile)
    report = AuditReport(subject.profile.digest(), audit, outcomes)
    if session.config_path.exists() and outcomes and not report.missed:
        keep_audit(session.workspace.report(session.project, KIND), report, drawn.n_rows)
    return report


def refuse_missed(report: AuditReport) -> None:
    """Raise PrivacyAuditError if a goal was missed."""
    if report.missed:
        raise PrivacyAuditError(
            report.missed[0].sentence,
            hint="see all of it with: blindlink privacy-audit --html audit.html; do not upload encodings of"
            " real records",
        )


def kept_audit(session: Session) -> KeptAudit:
    """Return the last audit that reached its goals."""
    from encoding.privacy_audit.kept import read_kept_audit

    return read_kept_audit(session.workspace.report(session.project, KIND))
