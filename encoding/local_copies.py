"""What this agency holds itself of a project: handle maps, encodings, link IDs, received files, the secret.

Receipts, pins, agreements and certificates are no part of it: they are proof, and tell of nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from encoding.blind_links import is_blind_links
from encoding.links_file import LINKS_START
from encoding.outbox import manifest_path
from encoding.workspace import Workspace
from encoding.written import read_written
from schemas.destruction import LocalKind

KINDS: Final[tuple[LocalKind, ...]] = tuple(sorted(get_args(LocalKind)))

IN_WORDS: Final[dict[LocalKind, str]] = {
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
    """Where one project's files are: in the workspace, where the settings say, and where somebody said."""

    workspace: Workspace
    project: str
    links: Path
    secret_file: Path
    named: tuple[LocalCopy, ...] = ()

    def all(self) -> list[LocalCopy]:
        """Return every file that is there, in order of kind and path."""
        found = (*self._of_epochs(None), *self._container(), *self._tables(), *self._elsewhere())
        secret = LocalCopy("secret", self.secret_file)
        return _there([*found, secret, *self.named])

    def of_epoch(self, epoch: int) -> list[LocalCopy]:
        """Return the files of one epoch alone: its handle map, and its secret if it was agreed on."""
        return _there(self._of_epochs([epoch]))

    def _of_epochs(self, epochs: Collection[int] | None) -> Iterator[LocalCopy]:
        workspace, project = self.workspace, self.project
        with_handles = {*workspace.epochs_with_handles(project), *self._disclosed_epochs()}
        for epoch in sorted(with_handles if epochs is None else epochs):
            yield LocalCopy("handle-map", workspace.handle_map(project, epoch))
            for path in self._disclosed(epoch):
                yield LocalCopy("handle-map", path)
        chosen = workspace.epochs_with_secret(project) if epochs is None else epochs
        for epoch in sorted(chosen):
            yield LocalCopy("secret", workspace.kept_secret(project, epoch))
        if epochs is None:
            yield LocalCopy("handle-map", workspace.withdrawn(project))

    def _container(self) -> Iterator[LocalCopy]:
        container = self.workspace.container(self.project)
        yield LocalCopy("container", container)
        yield LocalCopy("container", manifest_path(container))

    def _tables(self) -> Iterator[LocalCopy]:
        links = self.links
        if _begins(links, LINKS_START):
            yield LocalCopy("link-table", links)
        for path in links.parent.glob(f"{links.stem}-for-*{links.suffix}"):
            if is_blind_links(path):
                yield LocalCopy("link-table", path)

    def _elsewhere(self) -> Iterator[LocalCopy]:
        for one in read_written(self.workspace):
            if one.project == self.project:
                yield LocalCopy(one.what, Path(one.path))

    def _disclosed(self, epoch: int) -> Iterator[Path]:
        return (self.workspace.folder / "disclosed").glob(f"{self.project}-{epoch}-*.sealed")

    def _disclosed_epochs(self) -> set[int]:
        stems = (p.name for p in (self.workspace.folder / "disclosed").glob(f"{self.project}-*"))
        numbers = (stem.removeprefix(f"{self.project}-").split("-", 1)[0] for stem in stems)
        return {int(number) for number in numbers if number.isdecimal()}


def kinds_without(
    copies: Iterable[LocalCopy], kept: Collection[LocalKind]
) -> tuple[LocalKind, ...]:
    """Return, in order, the kinds of which there is no file and of which nothing is kept elsewhere."""
    there = {copy.what for copy in copies}
    return tuple(kind for kind in KINDS if kind not in there and kind not in kept)


def _there(copies: Iterable[LocalCopy]) -> list[LocalCopy]:
    by_path = {copy.path.absolute(): copy for copy in copies if copy.path.is_file()}
    return sorted(by_path.values())


def _begins(path: Path, start: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(start)) == start
    except OSError:
        return False
