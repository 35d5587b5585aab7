"""The privacy audits that a workspace keeps, and what they found, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoding.privacy_audit.last_audit import read_kept_audit
from schemas.linkage.privacy_audit import figures_sentence
from schemas.linkage.profile import SIDES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from encoding.project.session import Session
    from schemas.linkage.privacy_audit import PrivacyLimits
    from schemas.linkage.profile import Side


def kept_path(session: Session, side: Side) -> Path:
    """Return where the last audit for one side of the pair is kept."""
    return session.workspace.report(session.project, f"privacy-audit-{side}")


def audit_sentences(session: Session, limits: PrivacyLimits | None) -> Iterator[str]:
    """Yield what each kept audit found, beside what is agreed."""
    for side in SIDES:
        kept = read_kept_audit(kept_path(session, side))
        if kept is not None:
            yield figures_sentence(kept, limits)
