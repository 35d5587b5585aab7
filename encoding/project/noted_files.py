"""Files that a command writes: noted so that `destroy --local` finds them, and pages replace reports alone."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import click

from encoding.errors import OutputExistsError, WorkspaceError
from encoding.files import is_same_file, refuse_to_overwrite, write_durably
from encoding.project.session import Session
from encoding.workspace.written_files import note_written, settle_written, sha256_of
from schemas.rounds.destruction import LocalKind
from schemas.shared.page import page_start


def note_file(session: Session, what: LocalKind, *paths: Path) -> None:
    """Note files before they are written, and their content at the end; one that is not written is taken back.

    Without settings there is no such list.
    """
    before = {path: _state(path) for path in paths}
    new = _note(session, what, before)
    context = click.get_current_context(silent=True)
    if context is not None and session.config_path.exists():
        context.call_on_close(partial(_settle, session, what, before, new))


def note_read(session: Session, what: LocalKind, path: Path) -> None:
    """Note a file that came from elsewhere, once it has proven to be what it should be."""
    _note(session, what, [path], sha256_of(path))


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


def _note(
    session: Session, what: LocalKind, paths: Iterable[Path], sha256: str | None = None
) -> set[Path]:
    """Note files, and return those that were not noted before."""
    if not session.config_path.exists():
        return set()
    refuse_own_file(session, *paths)
    place = session.workspace, session.project, what
    with session.workspace.lock():
        return {path for path in paths if note_written(*place, path, sha256)}


def _settle(
    session: Session,
    what: LocalKind,
    before: dict[Path, tuple[int, int] | None],
    new: set[Path],
) -> None:
    written = {path: sha256_of(path) for path, state in before.items() if _state(path) != state}
    unwritten = dict.fromkeys(new - written.keys())
    # Where another command has begun meanwhile, they stay noted, without their content.
    with suppress(WorkspaceError), session.workspace.lock():
        settle_written(session.workspace, session.project, what, written | unwritten)


def _state(path: Path) -> tuple[int, int] | None:
    """Return by what it is seen that a file was replaced; None: it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def write_page(path: Path, page: str, *, force: bool | None = None) -> None:
    """Write a page; an earlier report is replaced, any other file is not."""
    refuse_another_page(path, force=force)
    write_durably(path, page.encode())


def refuse_another_page(path: Path, *, force: bool | None = None) -> None:
    """Refuse to overwrite a file that is no report."""
    own_start = page_start("blindlink report").encode()
    refuse_to_overwrite(path, own_start=own_start, force=force)
