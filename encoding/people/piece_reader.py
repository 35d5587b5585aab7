"""Reads pieces of bytes that come one after the other as if they were a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any


class _Pieces(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        room = memoryview(buffer).cast("B")
        size = min(len(room), len(self._rest))
        room[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def read_pieces(pieces: Iterator[bytes]) -> io.BufferedReader:
    """Return a file of the pieces; what reading them raises comes out of reading the file."""
    return io.BufferedReader(_Pieces(pieces))
