"""Blobs in files of the state folder."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from app.blobs.store import DEFAULT_RESERVE_PERCENT, BlobStore
from app.durable import make_private_folder, remove_durably, storing, write_durably

_FOLDER: Final = re.compile(r"[0-9a-f]{2}")


class FileBlobs(BlobStore):
    """A folder of blobs, on the disk that it refuses to fill."""

    def __init__(self, folder: Path, *, reserve_percent: int = DEFAULT_RESERVE_PERCENT) -> None:
        """Use the folder, making it for the owner only."""
        make_private_folder(folder)
        super().__init__(folder, reserve_percent=reserve_percent)

    def free_bytes(self) -> int:
        """Return what the disk has above its reserve."""
        usage = shutil.disk_usage(self._folder)
        return max(0, usage.free - usage.total * self._reserve_percent // 100)

    def refuse_when_unfit(self, *, writes: bool = False) -> None:
        """Look at the disk; raises StorageFullError."""
        del writes
        self.refuse_when_full()

    def try_out(self) -> str:
        """Return where they lie."""
        return "in files of the state folder"

    def _write(self, key: str, content: bytes) -> None:
        path = self._folder / key
        with storing():
            make_private_folder(path.parent)
            write_durably(path, content)

    def _read(self, key: str) -> bytes:
        return (self._folder / key).read_bytes()

    def _remove(self, key: str) -> None:
        path = self._folder / key
        if path.exists():
            remove_durably(path)

    def _entries(self) -> Iterator[tuple[str, float]]:
        # Not by `glob`, which takes a folder that may not be listed for an empty one.
        for folder in self._folder.iterdir():
            for path in folder.iterdir() if _FOLDER.fullmatch(folder.name) else ():
                # Another process may have removed it since.
                with suppress(FileNotFoundError):
                    yield f"{folder.name}/{path.name}", path.stat().st_mtime

    def _now_s(self) -> float:
        return time.time()
