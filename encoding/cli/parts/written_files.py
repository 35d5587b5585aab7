"""Notes where files with link IDs, or of others, are written, so that `destroy --local` finds them again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from encoding.cli.parts.session import Session
from encoding.destruction.written_files import note_written

if TYPE_CHECKING:
    from schemas.destruction import LocalKind


def note_file(session: Session, what: LocalKind, *paths: Path) -> None:
    """Note files before they are written or read; whoever has no settings keeps no such list."""
    if not session.config_path.exists():
        return
    with session.workspace.lock():
        for path in paths:
            note_written(session.workspace, session.project, what, path)
