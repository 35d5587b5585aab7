"""A file without a name, for what does not fit into memory: sealed, and gone with its process."""

from __future__ import annotations

import os
import tempfile
from array import array
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from app.durable import storing
from app.security.at_rest import seal, unseal
from app.security.keystore import DataKey
from schemas.signing.sealing import KEY_BYTES

_KIND: Final = "scratch"


class Scratch:
    """Bytes that wait on disk under a key which is in this process's memory alone.

    The file has no name, so that nothing is left of it when the process ends, however it does.
    """

    def __init__(self, folder: Path) -> None:
        """Make the file on the disk of a folder."""
        self._key = DataKey(_KIND, os.urandom(KEY_BYTES))
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed with the block
        # Where each begins, and the end; there may be millions.
        self._starts = array("Q", [0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def put(self, content: bytes) -> int:
        """Keep the bytes, and return the place where they are found."""
        place = len(self._starts) - 1
        sealed = memoryview(seal(self._key, _KIND, _KIND, place, content))
        with storing():
            self._file.seek(self._starts[place])
            written = 0
            while written < len(sealed):
                written += self._file.write(sealed[written:])
        self._starts.append(self._starts[place] + len(sealed))
        return place

    def get(self, place: int) -> bytes:
        """Return what was put there."""
        start, end = self._starts[place : place + 2]
        self._file.seek(start)
        return unseal(self._key, _KIND, _KIND, place, self._file.read(end - start))
