"""What this agency holds itself of a project: handle maps, encodings, link IDs, received files, the secret.

Receipts, pins, agreements and certificates are no part of it: they are proof, and tell of nobody.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from encoding.files import is_same_file
from encoding.sharing.blind_links import is_blind_links
from encoding.sharing.links_file import LINKS_START
from encoding.workspace.workspace import Workspace
from encoding.workspace.written_files import WrittenFile, read_written
from schemas.rounds.destruction import LocalKind
from schemas.shared.durable import remains_in, written_name

KINDS: Final[tuple[LocalKind, ...]] = tuple(sorted(get_args(LocalKind)))

# Of a project, by folder of the workspace. Names of projects and parties hold no dot.
_SEALED: Final = r"{}(\..+)?\.sealed"
KEPT: Final[tuple[tuple[LocalKind, str, str], ...]] = (
    ("container", "outbox", r"{}\..+\.(enc|json)"),
    ("extract", "deliveries", r"{}\..+\.(outgoing|sent)"),
    ("handle-map", "disclosed", _SEALED),
    ("handle-map", "handles", r"{}\..+\.map"),
    ("handle-map", "partitions", _SEALED),
    ("handle-map", "snapshots", _SEALED),
    ("handle-map", "withdrawn", _SEALED),
    ("link-table", "alarms", _SEALED),
    ("link-table", "crosswalks", _SEALED),
    ("link-table", "exports", _SEALED),
    ("link-table", "history", _SEALED),
    ("link-table", "ledgers", _SEALED),
    ("link-table", "links", rf"(held-)?{_SEALED}"),
    ("link-table", "said", _SEALED),
    ("received", "decisions", _SEALED),
    ("received", "deliveries", r"{}\..+\.(incoming|received)"),
    ("received", "reviews", _SEALED),
    ("secret", "secrets", r"{}-[0-9]+\.sealed"),
)

IN_WORDS: Final[dict[LocalKind, str]] = {
    "backup": "backups of the whole workspace",
    "container": "encodings",
    "extract": "files to hand over",
    "handle-map": "handle maps, and which records were in what was sent",
    "link-table": "files of link IDs",
    "received": "files received, and what was made of them",
    "secret": "the secret",
}


@dataclass(frozen=True, slots=True, order=True)
class LocalCopy:
    """One file, and what it holds."""

    what: LocalKind
    path: Path


@dataclass(frozen=True, slots=True)
class Holdings:
    """Where one project's files are: in the workspace, where the settings say, and where someone said.

    `own_file` is the agency's file of people, which is never one of them; null where it has none.
    """

    workspace: Workspace
    project: str
    links: Path
    secret_file: Path
    own_file: Path | None = None
    named: tuple[LocalCopy, ...] = ()

    def all(self) -> list[LocalCopy]:
        """Return every file that is there, in order of kind and path, with what killed writers left of it."""
        noted = [one for one in self._noted() if not one.is_restored]
        surely = [*self._tables(), LocalCopy("secret", self.secret_file), *self.named]
        remains = (
            LocalCopy(copy.what, path)
            for copy in (*surely, *map(_copy, noted))
            for path in remains_in(copy.path.parent, copy.path.name)
        )
        as_written = (_copy(one) for one in noted if one.is_as_written())
        return self._there((*self._kept(), *surely, *as_written, *remains))

    def shown(self) -> list[LocalCopy]:
        """Return what is there under a noted name, but is not surely what a command of this workspace wrote."""
        sure = {copy.path.absolute() for copy in self.all()}
        return self._there(_copy(one) for one in self._noted() if Path(one.path) not in sure)

    def of_epoch(self, epoch: int) -> list[LocalCopy]:
        """Return the files of one epoch alone: its secret if it was agreed on."""
        name = self.workspace.kept_secret(self.project, epoch).name
        return self._there(self._kept_as("secret", "secrets", re.escape(name)))

    def _kept(self) -> Iterator[LocalCopy]:
        for what, folder, names in KEPT:
            yield from self._kept_as(what, folder, names.format(self.project))

    def _kept_as(self, what: LocalKind, folder: str, names: str) -> Iterator[LocalCopy]:
        for path in (self.workspace.folder / folder).glob("*"):
            if re.fullmatch(names, written_name(path)):
                yield LocalCopy(what, path)

    def _tables(self) -> Iterator[LocalCopy]:
        links = self.links
        if _begins(links, LINKS_START):
            yield LocalCopy("link-table", links)
        for path in links.parent.glob(f"{links.stem}-for-*{links.suffix}"):
            if is_blind_links(path):
                yield LocalCopy("link-table", path)

    def _noted(self) -> Iterator[WrittenFile]:
        return (one for one in read_written(self.workspace) if one.project == self.project)

    def _there(self, copies: Iterable[LocalCopy]) -> list[LocalCopy]:
        own = self.own_file
        by_path = {copy.path.absolute(): copy for copy in copies if copy.path.is_file()}
        return sorted(
            copy for copy in by_path.values() if own is None or not is_same_file(copy.path, own)
        )


def kinds_without(
    copies: Iterable[LocalCopy], kept: Collection[LocalKind]
) -> tuple[LocalKind, ...]:
    """Return, in order, the kinds of which there is no file and of which nothing is kept elsewhere."""
    there = {copy.what for copy in copies}
    return tuple(kind for kind in KINDS if kind not in there and kind not in kept)


def _copy(written: WrittenFile) -> LocalCopy:
    return LocalCopy(written.what, Path(written.path))


def _begins(path: Path, start: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(start)) == start
    except OSError:
        return False
