"""The last audit, in the workspace: it is repeated when the profile or the number of rows has changed much."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoding.files import write_durably
from encoding.privacy_audit.report import AuditReport

VERSION = "blindlink/kept-privacy-audit/2"
_MUCH = 0.25


@dataclass(frozen=True, slots=True)
class KeptAudit:
    """The last audit that reached its goals; `rows` is None if there was none."""

    rows: int | None = None
    profile: str = ""
    digest: str = ""

    def still_holds(self, profile: str, rows: int) -> bool:
        """Return whether profile and number of rows are still much the same."""
        if self.rows is None or self.profile != profile:
            return False
        return abs(rows - self.rows) <= self.rows * _MUCH

    def digest_for(self, profile: str) -> str | None:
        """Return the digest of the audit if it was of this encoding profile."""
        return self.digest if self.rows is not None and self.profile == profile else None


def read_kept_audit(path: Path) -> KeptAudit:
    """Return what was kept; nothing if there is no such file, or one that cannot be read."""
    try:
        raw: Any = json.loads(path.read_text("utf-8"))
        if raw["version"] != VERSION:
            return KeptAudit()
        return KeptAudit(int(raw["rows"]), str(raw["profile"]), str(raw["digest"]))
    except (OSError, ValueError, KeyError, TypeError):
        return KeptAudit()


def keep_audit(path: Path, report: AuditReport, rows: int) -> None:
    """Remember an audit; its digest goes into manifests from now on."""
    kept = {
        "version": VERSION,
        "rows": rows,
        "profile": report.profile,
        "digest": report.digest(),
        "document": report.document(),
    }
    write_durably(path, json.dumps(kept, indent=1).encode())
