"""The last audit for one side of the pair, in the workspace: a full one that passed counts for long."""

from __future__ import annotations

import json
from pathlib import Path

from encoding.files import write_durably
from encoding.privacy_audit.report import AuditReport
from schemas.privacy_audit import PrivacyAudit

VERSION = "blindlink/kept-privacy-audit/3"


def read_kept_audit(path: Path) -> PrivacyAudit | None:
    """Return what was kept; None if there is no such file, or one that cannot be read."""
    try:
        raw = json.loads(path.read_text("utf-8"))
        if raw["version"] != VERSION:
            return None
        return PrivacyAudit.model_validate(raw["statement"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_audit(path: Path, report: AuditReport) -> None:
    """Remember an audit, which uploads state from now on; a quick one only where it missed a goal."""
    statement = report.statement()
    if statement is None or (statement.scope == "quick" and statement.passed):
        return
    kept = {
        "version": VERSION,
        "statement": statement.model_dump(mode="json"),
        "document": report.document(),
    }
    write_durably(path, json.dumps(kept, indent=1).encode())
