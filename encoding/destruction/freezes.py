"""What was frozen for studies: which file, of which links and columns, and until when it may be kept.

File: `frozen.json` of the workspace, canonical JSON. It holds digests and names of columns, and no record.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from encoding.errors import NotReadyError, WorkspaceError
from encoding.files import is_same_file, write_durably
from encoding.workspace.workspace import Workspace
from schemas.documents.document import Document, Model
from schemas.documents.errors import FormatError
from schemas.documents.ids import Code, IsoDate, Name, Sha256Hex
from schemas.documents.texts import Line
from schemas.linkage.run import RoundNumber

MAX_FREEZES = 10_000


class Freeze(Model):
    """One frozen file: its study, whole path, digest and size, and what is in it.

    `round` is the one whose links it has; null where that was not known. `purpose` is the agreement's code,
    `until` the last day on which the file may be kept, `destroyed` the day on which it was destroyed here, null
    where it was not.
    """

    project: Name
    study: Name
    why: Line
    path: Annotated[str, Field(min_length=1, max_length=4096)]
    sha256: Sha256Hex
    rows: Annotated[int, Field(ge=0)]
    columns: tuple[str, ...]
    round: RoundNumber | None
    day: IsoDate
    agreement: Sha256Hex
    purpose: Code
    until: IsoDate
    destroyed: IsoDate | None = None

    def is_overdue(self, today: str) -> bool:
        """Tell whether the file should be gone by now and was not destroyed."""
        return self.destroyed is None and self.until < today


class Freezes(Document):
    """All that was frozen in a workspace, the oldest first."""

    KIND: ClassVar[str] = "list of frozen files"

    version: Literal["blindlink/frozen/1"] = "blindlink/frozen/1"
    files: Annotated[tuple[Freeze, ...], Field(max_length=MAX_FREEZES)] = ()

    @model_validator(mode="after")
    def _studies_are_told_apart(self) -> Self:
        names = [(one.project, one.study) for one in self.files]
        if len(set(names)) != len(names):
            raise ValueError("a study is listed twice")
        return self


def read_freezes(workspace: Workspace, project: str) -> tuple[Freeze, ...]:
    """Return what was frozen of a project, the oldest first.

    Raises:
        WorkspaceError: the list is damaged.
    """
    return tuple(one for one in _read(workspace) if one.project == project)


def find_freeze(workspace: Workspace, project: str, study: str) -> Freeze:
    """Return what was frozen for a study.

    Raises:
        NotReadyError: nothing was.
    """
    found = next((one for one in read_freezes(workspace, project) if one.study == study), None)
    if found is None:
        raise NotReadyError(
            f"nothing was frozen here for {study}", hint="see: blindlink freeze --list"
        )
    return found


def find_frozen_at(workspace: Workspace, place: Path) -> Freeze | None:
    """Return what was frozen to a place, of whichever project, and not destroyed; None: nothing was.

    Raises:
        WorkspaceError: the list is damaged.
    """
    standing = (one for one in _read(workspace) if one.destroyed is None)
    return next((one for one in standing if is_same_file(Path(one.path), place)), None)


def keep_freeze(workspace: Workspace, freeze: Freeze) -> None:
    """Keep what was frozen."""
    _write(workspace, (*_read(workspace), freeze))


def note_destroyed(
    workspace: Workspace, project: str, days: Mapping[str, str], study: str | None
) -> None:
    """Note of frozen files of a project on which day they were destroyed.

    Args:
        days: by path; anyone who destroys all states that nothing is left, so these count whatever was in them.
        study: the one whose file was destroyed; None: all of the project's at these paths were.
    """
    before = _read(workspace)
    after = tuple(
        one.model_copy(update={"destroyed": days[one.path]})
        if one.project == project
        and one.path in days
        and study in (None, one.study)
        and one.destroyed is None
        else one
        for one in before
    )
    if after != before:
        _write(workspace, after)


def _read(workspace: Workspace) -> tuple[Freeze, ...]:
    path: Path = workspace.frozen_files
    try:
        return Freezes.from_canonical(path.read_bytes()).files
    except FileNotFoundError:
        return ()
    except FormatError as exc:
        raise WorkspaceError(
            "the list of frozen files is damaged",
            hint=f"restore {path.name} from the backup of the workspace",
        ) from exc


def _write(workspace: Workspace, files: tuple[Freeze, ...]) -> None:
    write_durably(workspace.frozen_files, Freezes(files=files).to_canonical())
