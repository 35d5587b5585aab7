"""A full privacy audit that passed, kept in an agency's workspace, for tests of something else."""

from __future__ import annotations

from pathlib import Path

from encoding.privacy_audit.goals import Outcome
from encoding.privacy_audit.report import AuditReport, keep_audit
from encoding.privacy_audit.results import Audit
from encoding.workspace.workspace import open_workspace
from schemas.linkage.privacy_audit import DRAWS, MEASURES, Scope
from schemas.linkage.profile import EncodingProfile, Side


def keep_passing_audit(
    workspace: Path,
    project: str,
    profile: EncodingProfile,
    side: Side,
    records: int,
    *,
    scope: Scope = "full",
    structure: int = 0,
    **figures: float,
) -> AuditReport:
    """Keep an audit as `privacy-audit` does, and return it; by changes also one that does not count."""
    report = AuditReport(
        profile=profile.digest(),
        side=side,
        scope=scope,
        records=records,
        audit=Audit(0, 0, 1.0),
        outcomes=(
            Outcome("structure", f"Signs: {structure}.", structure, structure, structure, 0),
            *(
                Outcome(name, f"{name}.", found, found, found, 0.01)
                for name, found in (dict.fromkeys(MEASURES, 0.001) | figures).items()
            ),
        ),
        draws=DRAWS,
    )
    keep_audit(open_workspace(workspace).report(project, f"privacy-audit-{side}"), report)
    return report
