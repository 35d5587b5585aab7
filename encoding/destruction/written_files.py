"""Which files commands wrote outside the workspace that hold link IDs or columns of others: to find them again.

Whoever destroys what they hold must find it first. A file that was moved since is not found by its old name.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from encoding.errors import WorkspaceError
from encoding.files import write_durably
from encoding.workspace.workspace import Workspace
from schemas.destruction import LocalKind
from schemas.document import Document, Model
from schemas.errors import FormatError
from schemas.ids import Name

MAX_FILES = 100_000


class WrittenFile(Model):
    """One file by its whole path, and what it holds of which project."""

    project: Name
    what: LocalKind
    path: Annotated[str, Field(min_length=1, max_length=4096)]


class WrittenFiles(Document):
    """All such files, in order."""

    KIND: ClassVar[str] = "list of written files"

    version: Literal["blindlink/written/1"] = "blindlink/written/1"
    files: Annotated[tuple[WrittenFile, ...], Field(max_length=MAX_FILES)] = ()

    @model_validator(mode="after")
    def _files_are_in_order(self) -> Self:
        places = [_place(file) for file in self.files]
        if places != sorted(set(places)):
            raise ValueError("files must be listed once each, in order")
        return self


def note_written(workspace: Workspace, project: str, what: LocalKind, path: Path) -> bool:
    """Note that a file is written, and return whether it was not noted before."""
    listed = read_written(workspace)
    new = WrittenFile(project=project, what=what, path=str(path.absolute()))
    if new in listed:
        return False
    _write(workspace, [*listed, new])
    return True


def take_back(workspace: Workspace, project: str, what: LocalKind, paths: Collection[Path]) -> None:
    """Drop files from the list that were not written after all."""
    if paths:
        dropped = {(project, what, str(path.absolute())) for path in paths}
        _write(workspace, [one for one in read_written(workspace) if _place(one) not in dropped])


def forget_written(workspace: Workspace, project: str) -> None:
    """Drop from the list what is not there any more."""
    listed = read_written(workspace)
    kept = [one for one in listed if one.project != project or Path(one.path).exists()]
    if len(kept) != len(listed):
        _write(workspace, kept)


def read_written(workspace: Workspace) -> tuple[WrittenFile, ...]:
    """Return what was noted."""
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
