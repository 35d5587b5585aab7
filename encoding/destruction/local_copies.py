"""What this agency holds itself of a project: handle maps, encodings, link IDs, received files, the secret.

Receipts, pins, agreements and certificates are no part of it: they are proof, and tell of nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from encoding.destruction.written_files import read_written
from encoding.evidence.disclosed_records import DisclosedRecords
from encoding.packing.outbox import manifest_path
from encoding.sharing.blind_links import is_blind_links
from encoding.sharing.kept_deliveries import delivery_files
from encoding.sharing.links_file import LINKS_START
from encoding.workspace.workspace import Workspace
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
        found = (*self._kept(), *self._containers(), *self._tables(), *self._elsewhere())
        secret = LocalCopy("secret", self.secret_file)
        return _there([*found, secret, *self.named])

    def of_epoch(self, epoch: int) -> list[LocalCopy]:
        """Return the files of one epoch alone: its secret if it was agreed on."""
        return _there([LocalCopy("secret", self.workspace.kept_secret(self.project, epoch))])

    def _kept(self) -> Iterator[LocalCopy]:
        workspace, project = self.workspace, self.project
        for number, partner in workspace.handle_maps(project):
            yield LocalCopy("handle-map", workspace.handle_map(project, number, partner))
        for path in DisclosedRecords(workspace, project).files():
            yield LocalCopy("handle-map", path)
        yield LocalCopy("handle-map", workspace.withdrawn(project))
        yield LocalCopy("handle-map", workspace.partition(project))
        for number, partner in workspace.snapshots(project):
            yield LocalCopy("handle-map", workspace.snapshot(project, number, partner))
        for folder in ("reviews", "decisions"):
            for path in (workspace.folder / folder).glob(f"{project}.*.sealed"):
                yield LocalCopy("received", path)
        for path, is_received in delivery_files(workspace, project):
            yield LocalCopy("received" if is_received else "extract", path)
        for folder, start in (
            ("ledgers", ""), ("crosswalks", ""), ("said", ""), ("history", ""), ("alarms", ""),
            ("links", ""), ("links", "held-"), ("exports", ""),
        ):  # fmt: skip
            for path in (workspace.folder / folder).glob(f"{start}{project}.*.sealed"):
                yield LocalCopy("link-table", path)
        for epoch in workspace.epochs_with_secret(project):
            yield LocalCopy("secret", workspace.kept_secret(project, epoch))

    def _containers(self) -> Iterator[LocalCopy]:
        for number, partner in self.workspace.containers(self.project):
            container = self.workspace.container(self.project, number, partner)
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
