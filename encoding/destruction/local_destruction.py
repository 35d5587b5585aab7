"""Removes this agency's own copies, so that a command that is killed anywhere goes on where it stopped.

What is to go is written down first, by digest and size; then it is removed; then the statement about all of it
is signed, sent and kept, and only then the note goes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from encoding.destruction.local_copies import LocalCopy
from encoding.errors import OutputBlockedError, WorkspaceError
from encoding.files import make_private_folder, write_durably
from encoding.workspace.workspace import Workspace
from schemas.destruction import CertificateId, DeletedItem, LocalKind, SignedDestruction
from schemas.document import Document, Model
from schemas.errors import FormatError
from schemas.ids import Name, Sha256Hex, UtcTime, utc_text
from schemas.shared.durable import sync_folder

READ_BYTES: Final = 1024 * 1024


class NotedFile(Model):
    """A file that is to go; `sha256` is null where it could not be read."""

    what: LocalKind
    path: Annotated[str, Field(min_length=1, max_length=4096)]
    sha256: Sha256Hex | None
    size_bytes: Annotated[int, Field(ge=0)]


class DestructionNote(Document):
    """All files that are to go, since when, and under which certificate (null: there is none)."""

    KIND: ClassVar[str] = "note of a destruction"

    version: Literal["blindlink/destroying/1"] = "blindlink/destroying/1"
    project: Name
    certificate: CertificateId | None
    at: UtcTime
    files: tuple[NotedFile, ...]


@dataclass(frozen=True, slots=True)
class LocalDestruction:
    """A destruction that is under way in a workspace; use it under the workspace's lock."""

    workspace: Workspace
    note: DestructionNote

    def remove(self) -> None:
        """Remove every file that is noted; those that are gone already are no fault.

        Raises:
            OutputBlockedError: one cannot be removed; the same command again goes on.
        """
        for one in self.note.files:
            path = Path(one.path)
            try:
                path.unlink(missing_ok=True)
            except OSError as exc:
                raise OutputBlockedError(
                    f"{path} cannot be removed: {(exc.strerror or 'unknown reason').lower()}",
                    hint="close it in other programs, and give the same command again",
                ) from exc
            if path.parent.is_dir():
                sync_folder(path.parent)

    def deleted(self) -> tuple[DeletedItem, ...]:
        """Return what a statement says about the files that were noted."""
        return tuple(
            DeletedItem(
                what=one.what, sha256=one.sha256, size_bytes=one.size_bytes, deleted=self.note.at
            )
            for one in self.note.files
        )

    def finish(self, statements: Sequence[SignedDestruction]) -> None:
        """Keep what was stated, and forget the note."""
        make_private_folder(self.workspace.statements)
        for signed in statements:
            path = self.workspace.statements / f"{signed.digest()}.json"
            write_durably(path, signed.to_canonical())
        _place(self.workspace, self.note.project).unlink(missing_ok=True)
        sync_folder(self.workspace.folder)


def begin(
    workspace: Workspace,
    project: str,
    certificate: str | None,
    copies: Sequence[LocalCopy],
    now: datetime,
) -> LocalDestruction:
    """Note what is to go, durably."""
    note = DestructionNote(
        project=project,
        certificate=certificate,
        at=utc_text(now),
        files=tuple(_noted(copy) for copy in copies),
    )
    write_durably(_place(workspace, project), note.to_canonical())
    return LocalDestruction(workspace, note)


def interrupted(workspace: Workspace, project: str) -> LocalDestruction | None:
    """Return the destruction of a project's files that a killed command left behind; None if there is none.

    Raises:
        WorkspaceError: the note is damaged.
    """
    path = _place(workspace, project)
    try:
        note = DestructionNote.from_canonical(path.read_bytes())
    except FileNotFoundError:
        return None
    except FormatError as exc:
        raise WorkspaceError(
            "the note of a destruction that was interrupted is damaged",
            hint=f"remove {path.name} from the workspace, and give the command again",
        ) from exc
    return LocalDestruction(workspace, note)


def _place(workspace: Workspace, project: str) -> Path:
    return workspace.folder / f"destroying-{project}.json"


def _noted(copy: LocalCopy) -> NotedFile:
    path = copy.path.absolute()
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while piece := file.read(READ_BYTES):
                digest.update(piece)
                size += len(piece)
        read: str | None = digest.hexdigest()
    except OSError:
        read, size = None, path.stat().st_size
    return NotedFile(what=copy.what, path=str(path), sha256=read, size_bytes=size)
