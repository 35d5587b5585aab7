"""A privacy audit of the agency's file, as `privacy-audit` reports it and encoding insists on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from encoding.errors import PrivacyAuditError
from encoding.packing.withdrawals import Withdrawn
from encoding.privacy_audit.audit import audit_file
from encoding.privacy_audit.clear_sample import LeftOut, count_records, read_clear
from encoding.privacy_audit.goals import judge_audit
from encoding.privacy_audit.report import AuditReport, keep_audit, read_kept_audit, seed_of, summary
from encoding.privacy_audit.results import FULL, AuditScope
from encoding.progress import Progress
from encoding.project.session import Session
from encoding.project.uploading.subject import Subject
from schemas.agreement.agreement import ProjectTerms
from schemas.agreement.policy_words import percent
from schemas.linkage.privacy_audit import (
    DRAWS,
    SMALLEST_AUDITED_FILE,
    PrivacyAudit,
    PrivacyLimits,
    audit_fault,
    figures_sentence,
)
from schemas.linkage.profile import SIDES, Side


def kept_path(session: Session, side: Side) -> Path:
    """Return where the last audit for one side of the pair is kept."""
    return session.workspace.report(session.project, f"privacy-audit-{side}")


def audit_sentences(session: Session, limits: PrivacyLimits | None) -> Iterator[str]:
    """Yield what each kept audit found, beside what is agreed."""
    for side in SIDES:
        kept = read_kept_audit(kept_path(session, side))
        if kept is not None:
            yield figures_sentence(kept, limits)


def audited(
    session: Session,
    subject: Subject,
    scope: AuditScope,
    side: Side,
    progress: Progress,
    *,
    most_partner: int | None = None,
) -> AuditReport:
    """Attack a file with a rehearsed partner's, several times, and remember what came of it.

    Without a settings file nothing is remembered, nor of a partner's file whose size was said. It does not
    hold the workspace's lock.
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
    profile = subject.profile.digest()
    draws = [
        audit_file(
            subject.profile,
            read.file,
            side,
            scope,
            n_in_file=read.n_records,
            most_partner=most_partner,
            seed=seed_of(profile, side, number),
            progress=progress,
        )
        for number in range(DRAWS if scope.name == "full" else 1)
    ]
    report = AuditReport(
        profile=profile,
        side=side,
        scope=scope.name,
        records=read.n_records,
        audit=draws[0],
        outcomes=judge_audit(draws, subject.profile),
        draws=len(draws),
    )
    # Anyone who chose the partner's size could choose one that passes.
    if session.config_path.exists() and not scope.n_partner:
        keep_audit(kept_path(session, side), report)
    return report


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
    terms: ProjectTerms,
    partner: str,
) -> PrivacyAudit | None:
    """Return what the manifest of an upload states: the kept audit while it counts, else one made now.

    Call it without the workspace's lock, so that no other command has to wait.
    None: the file is too small.
    """
    n_records = count_records(subject.file, withdrawn_of(session), progress)
    if n_records < SMALLEST_AUDITED_FILE:
        return None
    profile, kept = subject.profile.digest(), read_kept_audit(kept_path(session, side))
    # Attacked once more, the same file has the same figures: so no limit counts here.
    fault = audit_fault(kept, profile=profile, side=side, records=n_records, limits=None)
    if kept is None or fault is not None:
        session.say(
            "this file has no valid full privacy audit, so one runs now, before the file is sent"
        )
        most = terms.file_size(partner).most
        report = audited(session, subject, FULL, side, progress, most_partner=most)
        refuse_structure(report)
        kept = report.statement()
        if kept is None:
            raise PrivacyAuditError(
                "too few of the file's records can be encoded to attack them",
                hint="to see what is wrong with them: blindlink check",
            )
        session.say(f"privacy audit: {summary(report)}")
        for outcome in report.missed:
            session.warn(outcome.sentence.rstrip("."))
    if terms.privacy is not None:
        _refuse_beyond(kept, terms.privacy)
    return kept


def _refuse_beyond(audit: PrivacyAudit, limits: PrivacyLimits) -> None:
    """Raise PrivacyAuditError if a figure lies above what the agreement allows."""
    for figure in audit.beyond(limits):
        allowed = percent(getattr(limits, figure.measure))
        raise PrivacyAuditError(
            f"the privacy audit found {percent(figure.mean)} by the measure {figure.measure}, and the agreement"
            f" allows {allowed}",
            hint=f"see what that means with: blindlink privacy-audit --side {audit.side} --html audit.html;"
            " if the parties accept it, a steward types: blindlink agreement draft --amends AGREEMENT --set"
            f" limits.privacy.{figure.measure}={figure.mean}; then a steward of each party types: blindlink"
            " agreement sign; counsel need not sign",
        )


def refuse_structure(report: AuditReport) -> None:
    """Raise PrivacyAuditError if the bytes of rows have structure, which is certain and never allowed."""
    if report.structure:
        raise PrivacyAuditError(
            report.outcomes[0].sentence.rstrip("."),
            hint="tell those who maintain Blindlink; nothing was encoded",
        )
