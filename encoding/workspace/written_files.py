"""Which files commands wrote outside the workspace that hold link IDs or columns of others: to find them again.

An agency that destroys what it holds must find it first. Only a file that still holds what a command of this
workspace wrote is removed by this list; the others are shown. A file that was moved is not found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from encoding.errors import WorkspaceError
from encoding.files import write_durably
from encoding.workspace.workspace import Workspace
from schemas.documents.document import Document, Model
from schemas.documents.errors import FormatError
from schemas.documents.ids import Name, Sha256Hex
from schemas.rounds.destruction import LocalKind

MAX_FILES = 100_000


class WrittenFile(Model):
    """One file by its whole path, and what it holds of which project.

    `sha256` is that of what was written; null: the command was killed before it could say. A file that a backup
    brought in (`is_restored`) may lie in another agency's folder, or on another machine.
    """

    project: Name
    what: LocalKind
    path: Annotated[str, Field(min_length=1, max_length=4096)]
    sha256: Sha256Hex | None = None
    is_restored: bool = False

    def is_as_written(self) -> bool:
        """Return whether it still holds what a command of this very workspace wrote there."""
        return (
            not self.is_restored and self.sha256 is not None and self.sha256 == sha256_of(self.path)
        )


class WrittenFiles(Document):
    """All such files, in order."""

    KIND: ClassVar[str] = "list of written files"

    version: Literal["blindlink/written/2"] = "blindlink/written/2"
    files: Annotated[tuple[WrittenFile, ...], Field(max_length=MAX_FILES)] = ()

    @model_validator(mode="after")
    def _files_are_in_order(self) -> Self:
        places = [_place(file) for file in self.files]
        if places != sorted(set(places)):
            raise ValueError("files must be listed once each, in order")
        return self


def note_written(
    workspace: Workspace, project: str, what: LocalKind, path: Path, sha256: str | None = None
) -> bool:
    """Note that a file is about to be written, or that it was; return whether it is new on the list."""
    listed = {_place(one): one for one in read_written(workspace)}
    new = WrittenFile(project=project, what=what, path=str(path.absolute()), sha256=sha256)
    known = listed.get(_place(new))
    if known is None or (sha256 is not None and known != new):
        _write(workspace, [*(listed | {_place(new): new}).values()])
    return known is None


def settle_written(
    workspace: Workspace, project: str, what: LocalKind, files: Mapping[Path, str | None]
) -> None:
    """Note the SHA-256 of files that a command has written, and drop those that it has not (null)."""
    listed = {_place(one): one for one in read_written(workspace)}
    for path, sha256 in files.items():
        one = WrittenFile(project=project, what=what, path=str(path.absolute()), sha256=sha256)
        if sha256 is None:
            listed.pop(_place(one), None)
        else:
            listed[_place(one)] = one
    if files:
        _write(workspace, [*listed.values()])


def mark_restored(workspace: Workspace) -> None:
    """Mark all files of a list that a backup brought: they are shown from now on, and never removed unasked."""
    brought = [one.model_copy(update={"is_restored": True}) for one in read_written(workspace)]
    if brought:
        _write(workspace, brought)


def forget_written(workspace: Workspace, project: str) -> None:
    """Drop from the list what is not there any more."""
    listed = read_written(workspace)
    kept = [one for one in listed if one.project != project or Path(one.path).exists()]
    if len(kept) != len(listed):
        _write(workspace, kept)


def read_written(workspace: Workspace) -> tuple[WrittenFile, ...]:
    """Return what was noted.

    Raises:
        WorkspaceError: the list is damaged.
    """
    try:
        return WrittenFiles.from_canonical(workspace.written_files.read_bytes()).files
    except FileNotFoundError:
        return ()
    except FormatError as exc:
        raise WorkspaceError(
            "the list of written files is damaged",
            hint="restore written.json from the backup of the workspace",
        ) from exc


def _write(workspace: Workspace, files: list[WrittenFile]) -> None:
    listed = WrittenFiles(files=tuple(sorted(files, key=_place)))
    write_durably(workspace.written_files, listed.to_canonical())


def _place(file: WrittenFile) -> tuple[str, str, str]:
    return file.project, file.what, file.path


def sha256_of(path: Path | str) -> str | None:
    """Return the SHA-256 of a file's content; None: it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
