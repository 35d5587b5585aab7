"""Where whoever types acts, by what their workspace has pinned and keeps: their signed requests name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoding.agreement.kept_agreements import read_kept
from encoding.log.heads import seen_head
from encoding.log.pins import PinnedLog
from schemas.signing.signed_request import Where

if TYPE_CHECKING:
    from datetime import date

    from encoding.workspace.workspace import Workspace


def place_of(workspace: Workspace, project: str, proven: str | None, today: date) -> Where:
    """Return the log that is pinned, the project with its head, and the agreement that is held for binding."""
    log = PinnedLog(workspace.pins, workspace.log_key)
    origin = log.name if log.has_key() else None
    if proven is None:
        kept = read_kept(workspace.agreements(project), project).binding_on(today.isoformat())
        proven = None if kept is None else kept.digest
    return Where(origin, project, proven, seen_head(workspace.pins, project))
