"""The last audit for one side of the pair, in the workspace: a full one that passed counts for long.

With it stand the draws of much the same file until now. They decide together, and number the next draw, so that
nobody tries seeds until one passes, and no unlucky one lasts.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from encoding.files import write_durably
from encoding.privacy_audit.report import AuditReport
from schemas.linkage.privacy_audit import PrivacyAudit, audit_fault
from schemas.linkage.profile import Side

VERSION = "blindlink/kept-privacy-audit/4"


def read_kept_audit(path: Path) -> PrivacyAudit | None:
    """Return what was kept; None if there is no such file, or one that cannot be read."""
    kept = _read(path)
    return None if kept is None else kept[0]


def read_draws(path: Path, *, profile: str, side: Side, records: int) -> tuple[bool, ...]:
    """Return of each full draw of much the same file whether every goal was reached; empty: none was made.

    Args:
        profile: digest of the encoding profile.
        side: which file of the pair it is.
        records: how many records the file has now.
    """
    kept = _read(path)
    if kept is None:
        return ()
    same = kept[0].model_copy(update={"scope": "full", "passed": True})
    return () if audit_fault(same, profile=profile, side=side, records=records) else kept[1]


def keep_audit(path: Path, report: AuditReport) -> None:
    """Remember an audit, which uploads state from now on; a quick one only where it missed a goal."""
    statement = report.statement()
    if statement is None or (statement.scope == "quick" and statement.passed):
        return
    kept = {
        "version": VERSION,
        "statement": statement.model_dump(mode="json"),
        "draws": list(report.draws),
        "document": report.document(),
    }
    write_durably(path, json.dumps(kept, indent=1).encode())


def decides(draws: tuple[bool, ...]) -> bool:
    """Tell whether an audit ends with the last of these draws of much the same file.

    It ends where more have passed than missed, and at a miss, but for the first of all, which may be bad luck.
    """
    return 2 * sum(draws) > len(draws) or (not draws[-1] and len(draws) > 1)


def seed_of(project: str, profile: str, side: Side, number: int) -> int:
    """Return the seed of a draw: another one for each, and nobody's choice.

    Args:
        project: whose file it is; empty where there is no project yet.
        profile: digest of the encoding profile.
        side: which file of the pair it is.
        number: how many draws of much the same file were before.
    """
    text = f"blindlink/v1/privacy-audit\n{project}\n{profile}\n{side}\n{number}"
    return int.from_bytes(hashlib.sha256(text.encode("ascii")).digest()[:6], "big")


def _read(path: Path) -> tuple[PrivacyAudit, tuple[bool, ...]] | None:
    try:
        raw: Any = json.loads(path.read_text("utf-8"))
        if raw["version"] != VERSION:
            return None
        statement = PrivacyAudit.model_validate(raw["statement"])
        return statement, tuple(one is True for one in raw["draws"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
