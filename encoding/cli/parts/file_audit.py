"""A privacy audit of the agency's file, as `privacy-audit` reports it and encoding insists on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoding.cli.parts.session import Session
from encoding.cli.parts.subject import Subject
from encoding.errors import PrivacyAuditError
from encoding.packing.withdrawals import Withdrawn
from encoding.privacy_audit.audit import audit_file
from encoding.privacy_audit.clear_sample import LeftOut, count_records, read_clear
from encoding.privacy_audit.goals import judge_audit
from encoding.privacy_audit.last_audit import (
    decides,
    keep_audit,
    read_draws,
    read_kept_audit,
    seed_of,
)
from encoding.privacy_audit.report import AuditReport, summary
from encoding.privacy_audit.results import GOALS_ALONE
from schemas.linkage.privacy_audit import SMALLEST_AUDITED_FILE, PrivacyAudit, audit_fault

if TYPE_CHECKING:
    from pathlib import Path

    from encoding.privacy_audit.results import AuditScope
    from encoding.progress import Progress
    from schemas.linkage.profile import Side


def audited(
    session: Session,
    subject: Subject,
    scope: AuditScope,
    side: Side,
    progress: Progress,
    *,
    most_partner: int | None = None,
) -> AuditReport:
    """Attack a file with a rehearsed partner's, and remember what came of it.

    Without a settings file nothing is remembered, nor of a partner's file whose size was said. A full audit
    that misses a goal draws again: of all draws of much the same file, more must pass than miss. It does not
    hold the workspace's lock.

    Args:
        session: the options of the call.
        subject: the file, how it is read, and the profile.
        scope: how much is attacked.
        side: whether it is the larger or the smaller file of the pair, by the agreement.
        progress: told how far it is.
        most_partner: how many records the partner's file has at most, by the agreement; None: not known.
    """
    read = read_clear(
        subject.file,
        subject.profile,
        columns=subject.columns,
        date_format=subject.date_format,
        n_records=scope.n_records,
        left_out=withdrawn_of(session),
        progress=progress,
    )
    has_settings = session.config_path.exists()
    project = session.project if has_settings else ""
    # Whoever chose that size could choose one that passes.
    is_kept = has_settings and not scope.n_partner
    profile, n_records = subject.profile.digest(), read.n_records
    draws: tuple[bool, ...] = ()
    if is_kept and scope.name == "full":
        kept = kept_path(session, side)
        draws = read_draws(kept, profile=profile, side=side, records=n_records)
    while True:
        audit = audit_file(
            subject.profile,
            read.file,
            side,
            scope,
            n_in_file=n_records,
            most_partner=most_partner,
            seed=seed_of(project, profile, side, len(draws)),
            progress=progress,
        )
        outcomes = judge_audit(audit, subject.profile)
        draws = (*draws, all(outcome.is_reached for outcome in outcomes))
        report = AuditReport(
            profile=profile,
            side=side,
            scope=scope.name,
            records=n_records,
            audit=audit,
            outcomes=outcomes,
            draws=draws,
        )
        is_over = scope.name != "full" or decides(draws)
        # A draw that passed counts for nothing before the audit is over.
        if is_kept and (is_over or not draws[-1]):
            keep_audit(kept_path(session, side), report)
        if is_over:
            return report
        session.say(
            "an attack found too much, now or before; the attacks run again, with new draws"
        )


def withdrawn_of(session: Session) -> LeftOut | None:
    """Return what tells which records are withdrawn, so that nothing encodes them; None: none are known."""
    if not session.config_path.exists():
        return None
    workspace, project = session.workspace, session.project
    path = workspace.withdrawn(project)
    return Withdrawn(path, project, workspace.key()).among if path.exists() else None


def audit_that_counts(
    session: Session,
    subject: Subject,
    side: Side,
    progress: Progress,
    *,
    most_partner: int,
) -> PrivacyAudit | None:
    """Return what the manifest of an upload states: the kept audit while it counts, else one made now.

    Call it without the workspace's lock, so that no other command has to wait.
    A new one takes seconds for a few thousand records, two minutes for 200,000. None: the file is too small.

    Raises:
        PrivacyAuditError: more was found than is allowed, or too few records can be attacked.
    """
    n_records = count_records(subject.file, withdrawn_of(session), progress)
    if n_records < SMALLEST_AUDITED_FILE:
        return None
    profile = subject.profile.digest()
    kept = read_kept_audit(kept_path(session, side))
    if kept is not None and not audit_fault(kept, profile=profile, side=side, records=n_records):
        return kept
    session.say(
        "this file has no valid full privacy audit, so one runs now, before the file is sent"
    )
    report = audited(session, subject, GOALS_ALONE, side, progress, most_partner=most_partner)
    refuse_missed(report)
    statement = report.statement()
    if statement is None:
        raise PrivacyAuditError(
            "too few of the file's records can be encoded to attack them",
            hint="to see what is wrong with them: blindlink check",
        )
    session.say(f"privacy audit: {summary(report)}")
    return statement


def refuse_missed(report: AuditReport) -> None:
    """Raise PrivacyAuditError if a goal was missed."""
    if report.missed:
        raise PrivacyAuditError(
            report.missed[0].sentence.rstrip("."),
            hint=f"see all of it with: blindlink privacy-audit --side {report.side} --html audit.html;"
            " the agreement must name a stronger encoding profile",
        )


def kept_path(session: Session, side: Side) -> Path:
    """Return where the last audit for one side of the pair is kept."""
    return session.workspace.report(session.project, f"privacy-audit-{side}")
