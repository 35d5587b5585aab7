"""A full privacy audit that passed, kept in an agency's workspace, for tests of something else."""

from __future__ import annotations

from pathlib import Path

from encoding.privacy_audit.goals import Outcome
from encoding.privacy_audit.last_audit import keep_audit
from encoding.privacy_audit.report import AuditReport
from encoding.privacy_audit.results import Audit
from encoding.workspace.workspace import open_workspace
from schemas.linkage.privacy_audit import Scope
from schemas.linkage.profile import EncodingProfile, Side


def keep_passing_audit(
    workspace: Path,
    project: str,
    profile: EncodingProfile,
    side: Side,
    records: int,
    *,
    scope: Scope = "full",
    passed: bool = True,
) -> AuditReport:
    """Keep an audit as `privacy-audit` does, and return it; by changes also one that does not count."""
    report = AuditReport(
        profile=profile.digest(),
        side=side,
        scope=scope,
        records=records,
        audit=Audit(0, 0, 1.0),
        outcomes=(Outcome("shows-anything", "Nothing is seen.", 0.0 if passed else 1.0, 0.0),),
    )
    keep_audit(open_workspace(workspace).report(project, f"privacy-audit-{side}"), report)
    return report
