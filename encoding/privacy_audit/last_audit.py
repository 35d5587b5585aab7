"""The last audit for one side of the pair, in the workspace: a full one counts for long."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from encoding.files import write_durably
from schemas.linkage.privacy_audit import PrivacyAudit

if TYPE_CHECKING:
    from pathlib import Path

    from encoding.privacy_audit.report import AuditReport
    from schemas.linkage.profile import Side

VERSION = "blindlink/kept-privacy-audit/5"


def read_kept_audit(path: Path) -> PrivacyAudit | None:
    """Return what was kept; None if there is no such file, or one that cannot be read."""
    try:
        raw: Any = json.loads(path.read_text("utf-8"))
        is_known = raw["version"] == VERSION
        return PrivacyAudit.model_validate_json(json.dumps(raw["statement"])) if is_known else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_audit(path: Path, report: AuditReport) -> None:
    """Remember an audit, which uploads state from now on; a quick one only where it found structure."""
    statement = report.statement()
    if statement is None or (statement.scope == "quick" and not statement.structure):
        return
    kept = {
        "version": VERSION,
        "statement": statement.model_dump(mode="json"),
        "document": report.document(),
    }
    write_durably(path, json.dumps(kept, indent=1).encode())


def seed_of(profile: str, side: Side, number: int) -> int:
    """Return the seed of a draw, which no agency chooses: so the same file has the same figures.

    It does not hang on the file. Else who changes a byte could draw again, and a manifest that names it would
    tell who has a copy of the file that it is one.

    Args:
        profile: digest of the encoding profile.
        side: which file of the pair it is.
        number: of the draw, from 0.
    """
    text = f"blindlink/v1/privacy-audit\n{profile}\n{side}\n{number}"
    return int.from_bytes(hashlib.sha256(text.encode("ascii")).digest()[:6], "big")
