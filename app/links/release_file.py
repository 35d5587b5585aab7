"""Cuts a release file into pieces, so that a state's file is never in memory in whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

PIECE_BYTES: Final = 4 * 1024 * 1024


def cut_pieces(lines: Iterable[bytes], *, piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """Yield the file in pieces of whole lines, each of `piece_bytes` or a little more, the last one shorter."""
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= piece_bytes:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
