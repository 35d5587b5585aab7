"""Removes this agency's own copies, so that what a killed command has removed is stated all the same.

Each file is written down, by digest, size and time, just before it is removed. The note of it goes once the
statement about all of them is signed, sent and kept; until then only the same is gone on with.

Note: canonical JSON a line, first what was wished and then each file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from encoding.destruction.local_copies import LocalCopy
from encoding.errors import AgencyError, OutputBlockedError, WorkspaceError
from encoding.files import make_private_folder, reason_of, write_durably
from encoding.workspace.workspace import Workspace
from schemas.documents.document import Document, Model
from schemas.documents.errors import FormatError
from schemas.documents.ids import Name, Sha256Hex, UtcTime, utc_text
from schemas.rounds.destruction import (
    CertificateId,
    DeletedItem,
    KeptItem,
    LocalKind,
    SignedDestruction,
)
from schemas.shared.durable import sync_folder

READ_BYTES: Final = 1024 * 1024
WholePath = Annotated[str, Field(min_length=1, max_length=4096)]


class NamedFile(Model):
    """A file that someone named, and what it holds."""

    what: LocalKind
    path: WholePath


class Wish(Model):
    """What is to be removed: all that lies here but what is in `keep`, and `also` files that were named.

    `epoch` narrows it to one epoch, `frozen` to what was frozen for one study. `is_handed_over`: a colleague
    has the workspace now, so the party still holds all of it, and nothing is stated.
    """

    epoch: int | None = None
    frozen: str | None = None
    also: tuple[NamedFile, ...] = ()
    keep: tuple[KeptItem, ...] = ()
    is_handed_over: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether only a part of what lies here is meant."""
        return self.epoch is not None or self.frozen is not None


class DestructionNote(Document):
    """What was wished, since when it is under way, and under which certificate (null: there is none)."""

    KIND: ClassVar[str] = "note of a destruction"

    version: Literal["blindlink/destroying/2"] = "blindlink/destroying/2"
    project: Name
    certificate: CertificateId | None
    at: UtcTime
    wish: Wish


class RemovedFile(Document):
    """A file that was removed, and when; `sha256` is null where it could not be read."""

    KIND: ClassVar[str] = "note of a removed file"

    what: LocalKind
    path: WholePath
    sha256: Sha256Hex | None
    size_bytes: Annotated[int, Field(ge=0)]
    at: UtcTime


@dataclass(frozen=True, slots=True)
class LocalDestruction:
    """A destruction that is under way in a workspace; use it under the workspace's lock."""

    workspace: Workspace
    note: DestructionNote
    removed: list[RemovedFile] = field(default_factory=list)

    def remove(self, copies: Sequence[LocalCopy], now: Callable[[], datetime]) -> None:
        """Remove files, and what a killed command left of its work; those that are gone meanwhile are no fault.

        Raises:
            OutputBlockedError: one cannot be removed; the same command again goes on.
        """
        for path in self.workspace.left_in_scratch():
            _unlink(path)
        if not copies:
            return
        make_private_folder(self.workspace.destroying)
        # Without the half of a line that a power cut has left.
        self._rewrite()
        for path, what in ((copy.path.absolute(), copy.what) for copy in copies):
            if not path.is_file():
                continue
            one = _described(path, what, utc_text(now()))
            with self._place.open("ab") as file:
                file.write(_line(one))
                file.flush()
                os.fsync(file.fileno())
            try:
                _unlink(path)
            except AgencyError:
                self._rewrite()
                raise
            self.removed.append(one)

    def deleted(self) -> tuple[DeletedItem, ...]:
        """Return what a statement says about the files that were removed."""
        return tuple(
            DeletedItem(what=one.what, sha256=one.sha256, size_bytes=one.size_bytes, deleted=one.at)
            for one in self.removed
        )

    def finish(self, statements: Sequence[SignedDestruction]) -> None:
        """Keep what was stated, and forget the note."""
        make_private_folder(self.workspace.statements)
        for signed in statements:
            path = self.workspace.statements / f"{signed.digest()}.json"
            write_durably(path, signed.to_canonical())
        if self._place.exists():
            self._place.unlink()
            sync_folder(self._place.parent)

    @property
    def _place(self) -> Path:
        return _place(self.workspace, self.note.project)

    def _rewrite(self) -> None:
        write_durably(self._place, b"".join(map(_line, (self.note, *self.removed))))


def begin(
    workspace: Workspace, project: str, certificate: str | None, wish: Wish, now: datetime
) -> LocalDestruction:
    """Return a destruction that begins; before a file goes, nothing is under way."""
    note = DestructionNote(project=project, certificate=certificate, at=utc_text(now), wish=wish)
    return LocalDestruction(workspace, note)


def interrupted(workspace: Workspace, project: str) -> LocalDestruction | None:
    """Return the destruction that has removed files of a project and not stated it; None if there is none.

    Raises:
        WorkspaceError: the note is damaged.
    """
    path = _place(workspace, project)
    try:
        first, *lines = path.read_bytes().split(b"\n")[:-1]
        note = DestructionNote.from_canonical(first)
        removed = [RemovedFile.from_canonical(line) for line in lines]
    except FileNotFoundError:
        return None
    except (FormatError, ValueError) as exc:
        raise WorkspaceError(
            "the note of a destruction that was interrupted is damaged",
            hint=f"remove {path.parent.name}/{path.name} from the workspace, and give the command again",
        ) from exc
    # Anyone who was killed wrote the last one down, and did not come to remove it.
    if removed and Path(removed[-1].path).is_file():
        removed.pop()
    return LocalDestruction(workspace, note, removed) if removed else None


def _place(workspace: Workspace, project: str) -> Path:
    return workspace.destroying / f"{project}.jsonl"


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except OSError as exc:
        raise OutputBlockedError(
            f"{path} cannot be removed: {reason_of(exc)}",
            hint="close it in other programs, and give the same command again",
        ) from exc
    sync_folder(path.parent)


def _line(document: Document) -> bytes:
    return document.to_canonical() + b"\n"


def _described(path: Path, what: LocalKind, at: str) -> RemovedFile:
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while piece := file.read(READ_BYTES):
                digest.update(piece)
                size += len(piece)
        read: str | None = digest.hexdigest()
    except OSError:
        read, size = None, path.stat().st_size
    return RemovedFile(what=what, path=str(path), sha256=read, size_bytes=size, at=at)
