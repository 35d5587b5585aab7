"""Sealed bytes in files named by their own digest; the database holds the names.

A blob is durable when `put` returns, so a row that names it can commit. A crash in between leaves a blob
that no row names, which the sweep removes once it is old enough.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from app.durable import make_private_folder, remove_durably, write_durably
from app.security.errors import BlobMissingError, SealBrokenError, StorageFullError, storing

DEFAULT_RESERVE_PERCENT: Final = 10
# A writer stores the blob, then commits the row: a blob younger than this may still get one.
SWEEP_AGE_S: Final = 3600

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class BlobStore:
    """A folder of blobs, `ab/abcd...`, that refuses to fill its disk."""

    def __init__(self, folder: Path, *, reserve_percent: int = DEFAULT_RESERVE_PERCENT) -> None:
        """Use the folder, making it for the owner only; below `reserve_percent` free nothing is taken."""
        make_private_folder(folder)
        self._folder = folder
        self._reserve_percent = reserve_percent

    @property
    def reserve_percent(self) -> int:
        """Of how much of the disk must be free, so that anything is taken."""
        return self._reserve_percent

    def put(self, ciphertext: bytes) -> str:
        """Store the bytes and return their SHA-256 as lower-case hex; storing them again changes nothing.

        Raises:
            StorageFullError: the disk has too little free space, or none.
        """
        digest = hashlib.sha256(ciphertext).hexdigest()
        path = self._path(digest)
        self.refuse_when_full()
        with storing():
            make_private_folder(path.parent)
            write_durably(path, ciphertext)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes of a blob.

        Raises:
            BlobMissingError: there is no such blob.
            SealBrokenError: it is damaged.
        """
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError as exc:
            raise BlobMissingError("Stored data is missing.") from exc
        if hashlib.sha256(content).hexdigest() != digest:
            raise SealBrokenError("Stored data is damaged.")
        return content

    def delete(self, digest: str) -> None:
        """Remove a blob; one that is gone already stays gone. Durable when this returns."""
        path = self._path(digest)
        if path.exists():
            remove_durably(path)

    def digests(self) -> Iterator[str]:
        """Yield the digests of all blobs, in their order."""
        for path in sorted(self._folder.glob("[0-9a-f][0-9a-f]/*")):
            if _DIGEST.fullmatch(path.name):
                yield path.name

    def sweep(
        self,
        is_referenced: Callable[[str], bool],
        *,
        older_than_s: float = SWEEP_AGE_S,
        now_s: float | None = None,
    ) -> int:
        """Remove blobs, and remains of broken writes, that no row names and that are old; return how many.

        `now_s` is in seconds of the file system's own clock; None means this moment.
        """
        born_before = (time.time() if now_s is None else now_s) - older_than_s
        removed = 0
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            known = _DIGEST.fullmatch(path.name) and is_referenced(path.name)
            if not known and path.stat().st_mtime < born_before:
                remove_durably(path)
                removed += 1
        return removed

    def free_percent(self) -> float:
        """Return how much of the disk is free."""
        usage = shutil.disk_usage(self._folder)
        return 100 * usage.free / usage.total

    def refuse_when_full(self) -> None:
        """Raise StorageFullError where the disk is below its reserve; asked before work that would be lost."""
        if self.free_percent() < self._reserve_percent:
            raise StorageFullError(
                "The broker's disk is nearly full; its operator has to make room.",
                hint="nothing is lost: do the same again once there is room",
            )

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValueError("not a blob's digest")
        return self._folder / digest[:2] / digest
