"""A disk that fills up in the middle of something."""

from __future__ import annotations

from pathlib import Path

from app.blobs import FileBlobs
from app.errors import StorageFullError


class Filling(FileBlobs):
    """Blobs on a disk that is full once it has taken so many."""

    def __init__(self, folder: Path, room: int) -> None:
        super().__init__(folder, reserve_percent=0)
        self._room = room

    def _write(self, key: str, content: bytes) -> None:
        if not self._room:
            raise StorageFullError("full")
        self._room -= 1
        super()._write(key, content)
