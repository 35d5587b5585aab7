"""Notes where files with link IDs, or of others, are written, so that `destroy --local` finds them again."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoding.cli.parts.session import Session
from encoding.destruction.written_files import note_written, take_back
from encoding.errors import OutputExistsError, WorkspaceError
from encoding.files import is_same_file

if TYPE_CHECKING:
    from schemas.destruction import LocalKind


def note_file(session: Session, what: LocalKind, *paths: Path) -> None:
    """Note files before they are written; one that the command has not written when it ends is taken back.

    Whoever has no settings keeps no such list.
    """
    before = {path: _state(path) for path in _note(session, what, *paths)}
    context = click.get_current_context(silent=True)
    if before and context is not None:
        context.call_on_close(partial(_take_back, session, what, before))


def note_received(session: Session, path: Path) -> None:
    """Note a file of others, once it has proven to be one."""
    _note(session, "received", path)


def own_file(session: Session) -> Path | None:
    """Return the agency's own file of people; None: the settings name none."""
    section = session.config.sections.input
    return None if section is None else session.config.resolve(section.file)


def refuse_own_file(session: Session, *paths: Path) -> None:
    """Refuse to write where the agency's own file of people is."""
    own = own_file(session) if session.config_path.exists() else None
    for path in paths:
        if own is not None and is_same_file(path, own):
            raise OutputExistsError(
                f"{path} is your own file of people", hint="choose a different name"
            )


def _note(session: Session, what: LocalKind, *paths: Path) -> list[Path]:
    """Note files, and return those that were not noted before."""
    if not session.config_path.exists():
        return []
    refuse_own_file(session, *paths)
    with session.workspace.lock():
        return [
            path for path in paths if note_written(session.workspace, session.project, what, path)
        ]


def _take_back(
    session: Session, what: LocalKind, before: dict[Path, tuple[int, int] | None]
) -> None:
    unwritten = [path for path, state in before.items() if _state(path) == state]
    # Where another command has begun meanwhile, it stays noted.
    with suppress(WorkspaceError), session.workspace.lock():
        take_back(session.workspace, session.project, what, unwritten)


def _state(path: Path) -> tuple[int, int] | None:
    """Return by what it is seen that a file was replaced; None: it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
