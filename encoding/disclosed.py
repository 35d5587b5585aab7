"""Which records were in what left this agency, and in what came back: kept here, sealed, and nowhere else.

So the agency can say of one child which disclosures concern it, and nobody else learns whom was asked
about. Of each container and each release the handles are kept, by their first 8 bytes, which no two of a
few million records share. Containers of one epoch are alike from week to week, so each file holds what
changed since the one before.

File: the line `blindlink-disclosed/1`, a line of canonical JSON, then nonce, AES-256-GCM ciphertext and tag
under a sub-key of the workspace key; both lines are authenticated. The content is 64-bit numbers,
big-endian, increasing: for a release the handles in it, for a container those in it or in the one before it,
but not in both.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from encoding.errors import WorkspaceError
from encoding.files import make_private_folder, replacing
from encoding.outbox import Outbox
from encoding.workspace import Workspace
from schemas.canonical import canonical_bytes
from schemas.ids import Handle
from schemas.upload import parse_header

MAGIC: Final = b"blindlink-disclosed/1\n"
MAX_HEAD_BYTES: Final = 1024
NONCE_BYTES: Final = 12
PREFIX_BYTES: Final = 8
# Enough of a container to hold its header.
HEADER_BYTES: Final = 1024 * 1024
CHUNK_RECORDS: Final = 1 << 18

Prefixes = NDArray[np.uint64]
"""The first 8 bytes of handles as numbers, increasing, each once."""


@dataclass(frozen=True, slots=True)
class DisclosedRecords:
    """What is kept of one project and epoch."""

    workspace: Workspace
    project: str
    epoch: int

    def keep_container(self, outbox: Outbox) -> None:
        """Keep which records are in a container, before it leaves; call it under the lock.

        Raises:
            WorkspaceError: what was kept before is damaged.
        """
        name = outbox.manifest.container_sha256
        chain = self._chain()
        if any(head["object"] == name for head, _ in chain):
            return
        before = _set_of([self._read(path) for _, path in chain])
        now = np.unique(np.concatenate([*_container_prefixes(outbox.container), _NONE]))
        number = chain[-1][0]["number"] + 1 if chain else 1
        head = {"kind": "container", "object": name, "number": number}
        self._write(name, head, np.setxor1d(before, now, assume_unique=True))

    def keep_release(self, release: str, handles: Iterable[Handle]) -> None:
        """Keep which records a release that was fetched has link IDs of; call it under the lock."""
        prefixes = np.unique(np.fromiter(map(handle_prefix, handles), dtype=np.uint64))
        self._write(release, {"kind": "release", "object": release, "number": 0}, prefixes)

    def containers_with(self, handle: Handle) -> dict[str, bool]:
        """Return for each container, by its digest, whether the record was in it.

        A container is missing where that is not known (any more).

        Raises:
            WorkspaceError: what was kept is damaged.
        """
        found: dict[str, bool] = {}
        is_in = False
        for expected, (head, path) in enumerate(self._chain(), start=1):
            if head["number"] != expected:
                break
            is_in ^= _holds(self._read(path), handle)
            found[head["object"]] = is_in
        return found

    def release_has(self, release: str, handle: Handle) -> bool | None:
        """Tell whether a release that was fetched has a link ID of the record; None: that was not kept.

        Raises:
            WorkspaceError: what was kept is damaged.
        """
        path = self._path(release)
        return _holds(self._read(path), handle) if path.exists() else None

    def _folder(self) -> Path:
        return self.workspace.folder / "disclosed"

    def _path(self, name: str) -> Path:
        return self._folder() / f"{self.project}-{self.epoch}-{name}.sealed"

    def _chain(self) -> list[tuple[dict[str, Any], Path]]:
        paths = self._folder().glob(f"{self.project}-{self.epoch}-*.sealed")
        heads = [(_read_head(path), path) for path in paths]
        chain = [(head, path) for head, path in heads if head["kind"] == "container"]
        return sorted(chain, key=lambda pair: pair[0]["number"])

    def _write(self, name: str, head: dict[str, Any], prefixes: Prefixes) -> None:
        make_private_folder(self._folder())
        stated = {**head, "project": self.project, "epoch": self.epoch, "records": len(prefixes)}
        start = MAGIC + canonical_bytes(stated) + b"\n"
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._cipher().encrypt(nonce, prefixes.astype(">u8").tobytes(), start)
        with replacing(self._path(name)) as file:
            file.write(start + nonce + sealed)

    def _read(self, path: Path) -> Prefixes:
        try:
            with path.open("rb") as file:
                start = file.read(len(MAGIC)) + file.readline(MAX_HEAD_BYTES)
                nonce = file.read(NONCE_BYTES)
                plain = self._cipher().decrypt(nonce, file.read(), start)
        except (OSError, InvalidTag, ValueError) as exc:
            raise _damaged() from exc
        return np.frombuffer(plain, dtype=">u8").astype(np.uint64)

    def _cipher(self) -> AESGCM:
        info = f"blindlink/v1/workspace/disclosed/{self.project}/{self.epoch}".encode("ascii")
        key = HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(self.workspace.key())
        return AESGCM(key)


_NONE: Final = np.empty(0, dtype=np.uint64)


def handle_prefix(handle: Handle) -> int:
    """Return the first 8 bytes of a handle as a number."""
    return int.from_bytes(handle[:PREFIX_BYTES])


def _container_prefixes(container: Path) -> Iterator[Prefixes]:
    with container.open("rb") as file:
        parsed = parse_header(file.read(HEADER_BYTES))
        width = parsed.header.record_bytes
        file.seek(parsed.body_offset)
        while raw := file.read(CHUNK_RECORDS * width):
            rows = np.frombuffer(raw, dtype=np.uint8).reshape(-1, width)
            starts = np.ascontiguousarray(rows[:, :PREFIX_BYTES])
            yield np.unique(starts.view(">u8").ravel().astype(np.uint64))


def _set_of(changes: list[Prefixes]) -> Prefixes:
    present = _NONE
    for changed in changes:
        present = np.setxor1d(present, changed, assume_unique=True)
    return present


def _holds(prefixes: Prefixes, handle: Handle) -> bool:
    wanted = np.uint64(handle_prefix(handle))
    place = int(np.searchsorted(prefixes, wanted))
    return place < len(prefixes) and bool(prefixes[place] == wanted)


def _read_head(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            magic, line = file.read(len(MAGIC)), file.readline(MAX_HEAD_BYTES)
        head = json.loads(line)
    except (OSError, ValueError) as exc:
        raise _damaged() from exc
    if magic != MAGIC or not isinstance(head, dict) or not isinstance(head.get("number"), int):
        raise _damaged()
    return head


def _damaged() -> WorkspaceError:
    return WorkspaceError(
        "what the workspace keeps of disclosures is damaged, or of another workspace",
        hint="restore the folder disclosed from the backup of the workspace",
    )
