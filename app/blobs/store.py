"""What a store of blobs promises, wherever it keeps them.

A blob is durable when `put` returns, so a row that names it can commit. A crash in between leaves a blob
that no row names, which the sweep removes once it is old enough.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from app.errors import BlobMissingError, SealBrokenError, StorageFullError

DEFAULT_RESERVE_PERCENT: Final = 10
# A writer stores the blob, then commits the row: a blob younger than this may still get one.
SWEEP_AGE_S: Final = 3600

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class BlobStore(ABC):
    """Blobs under keys `ab/abcd...`; takes none where the broker's own disk is nearly full."""

    def __init__(self, folder: Path, *, reserve_percent: int = DEFAULT_RESERVE_PERCENT) -> None:
        """Watch the disk of this folder: below `reserve_percent` free nothing is taken."""
        self._folder = folder
        self._reserve_percent = reserve_percent

    @property
    def reserve_percent(self) -> int:
        """Of how much of the disk must be free, so that anything is taken."""
        return self._reserve_percent

    def put(self, ciphertext: bytes) -> str:
        """Store the bytes and return their SHA-256 as lower-case hex; storing them again changes nothing."""
        digest = hashlib.sha256(ciphertext).hexdigest()
        self.refuse_when_full()
        self._write(_key(digest), ciphertext)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes of a blob.

        Raises:
            BlobMissingError: there is no such blob.
            SealBrokenError: it is damaged.
            StoreUnavailableError: the object store does not answer now.
        """
        try:
            content = self._read(_key(digest))
        except FileNotFoundError as exc:
            raise BlobMissingError("Stored data is missing.") from exc
        if hashlib.sha256(content).hexdigest() != digest:
            raise SealBrokenError("Stored data is damaged.")
        return content

    def delete(self, digest: str) -> None:
        """Remove a blob; one that is gone already stays gone. Durable when this returns.

        Raises:
            StoreUnavailableError: the object store does not answer now.
        """
        self._remove(_key(digest))

    def digests(self) -> Iterator[str]:
        """Yield the digests of all blobs, in their order."""
        names = sorted(key.rpartition("/")[2] for key, _ in self._entries())
        yield from filter(_DIGEST.fullmatch, names)

    def sweep(
        self,
        is_referenced: Callable[[str], bool],
        *,
        older_than_s: float = SWEEP_AGE_S,
        now_s: float | None = None,
    ) -> int:
        """Remove blobs, and remains of broken writes, that no row names and that are old; return how many.

        `now_s` is in seconds of the store's own clock; None means this moment.

        Raises:
            StoreUnavailableError: the object store does not answer now.
        """
        born_before = (self._now_s() if now_s is None else now_s) - older_than_s
        removed = 0
        for key, born_s in self._entries():
            name = key.rpartition("/")[2]
            known = _DIGEST.fullmatch(name) and is_referenced(name)
            if not known and born_s < born_before:
                self._remove(key)
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

    def refuse_beyond(self, n_bytes: int) -> None:
        """Raise StorageFullError where so much more would not fit; asked before any of it is sent."""
        free = self.free_bytes()
        if free is not None and n_bytes > free:
            raise StorageFullError(
                f"The broker's disk has no room for {n_bytes:,} bytes more; its operator has to make room.",
                hint="nothing is lost: do the same again once there is room",
            )

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Return how many bytes more are taken before the reserve is reached; None: the object store knows."""

    @abstractmethod
    def refuse_when_unfit(self, *, writes: bool = False) -> None:
        """Ask the store itself; with `writes`, also whether it takes anything."""

    @abstractmethod
    def try_out(self) -> str:
        """Return one sentence on where blobs lie, and what stays there of one that was deleted."""

    @abstractmethod
    def _write(self, key: str, content: bytes) -> None:
        """Store bytes, wholly and durably or not at all."""

    @abstractmethod
    def _read(self, key: str) -> bytes:
        """Return stored bytes; raises FileNotFoundError where there are none."""

    @abstractmethod
    def _remove(self, key: str) -> None:
        """Remove what is under a key, if anything is."""

    @abstractmethod
    def _entries(self) -> Iterator[tuple[str, float]]:
        """Yield each key that is a blob's, or a remain of its writing, and when it was written."""

    @abstractmethod
    def _now_s(self) -> float:
        """Return the time by the clock that `_entries` goes by."""


def _key(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise ValueError("not a blob's digest")
    return f"{digest[:2]}/{digest}"
