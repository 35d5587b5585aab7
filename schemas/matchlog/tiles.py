"""Tiles: the tree and its entries cut into files of 256, so that each is fetched or unpacked by name.

Source: C2SP tlog-tiles. In Blindlink an entry of length 0 stands for one that is withheld from the reader,
whose leaf hash is still there. Spec page: `schemas/spec/bundle.md`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.documents.errors import BundleError
from schemas.documents.merkle import HASH_BYTES, Node

TILE_WIDTH: Final = 256
# Each level of tiles stands for eight levels of nodes.
TILE_HEIGHT: Final = 8


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: its level (0 holds leaf hashes), its index within it, and how many hashes it has."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where the tile's hashes lie."""
        return f"tile/{self.level}/{tile_number(self.index)}{_partial(self.width)}"

    @property
    def entries_path(self) -> str:
        """Where the entries under a tile of level 0 lie."""
        return f"tile/entries/{tile_number(self.index)}{_partial(self.width)}"

    def nodes(self) -> list[Node]:
        """Return the nodes whose hashes the tile holds, in order."""
        first = self.index * TILE_WIDTH
        return [(TILE_HEIGHT * self.level, first + i) for i in range(self.width)]


def tile_number(index: int) -> str:
    """Return a tile's index as path elements of three digits: 1234067 is `x001/x234/067`."""
    last, index = f"{index % 1000:03}", index // 1000
    while index:
        last, index = f"x{index % 1000:03}/{last}", index // 1000
    return last


def tiles_of(size: int, level: int) -> Iterator[Tile]:
    """Yield the tiles of one level for a tree of this size, the partial one last; none at size 0."""
    full, width = divmod(size >> (TILE_HEIGHT * level), TILE_WIDTH)
    for index in range(full):
        yield Tile(level, index)
    if width:
        yield Tile(level, full, width)


class UpperTiles:
    """Collects the hashes of the tiles above level 0 while a tree grows: 32 bytes for 256 leaves."""

    __slots__ = ("_hashes",)

    def __init__(self) -> None:
        """Start with an empty tree."""
        self._hashes: dict[int, list[bytes]] = {}

    def add(self, completed: Iterable[tuple[Node, bytes]]) -> None:
        """Take the nodes that one leaf completed, as `Frontier.append` returns them."""
        for (node_level, _), value in completed:
            level, below = divmod(node_level, TILE_HEIGHT)
            if not below:
                self._hashes.setdefault(level, []).append(value)

    def tiles(self, size: int) -> Iterator[tuple[Tile, list[bytes]]]:
        """Yield every tile above level 0 with its hashes, level by level, for the tree as it is now."""
        for level, hashes in sorted(self._hashes.items()):
            for tile in tiles_of(size, level):
                first = tile.index * TILE_WIDTH
                yield tile, hashes[first : first + tile.width]


def pack_hashes(hashes: Sequence[bytes]) -> bytes:
    """Return a tile's bytes."""
    return b"".join(hashes)


def unpack_hashes(raw: bytes, width: int) -> list[bytes]:
    """Read a tile of `width` hashes."""
    if len(raw) != width * HASH_BYTES:
        raise BundleError("a tile does not have the length of its hashes")
    return [raw[i : i + HASH_BYTES] for i in range(0, len(raw), HASH_BYTES)]


def pack_entries(entries: Iterable[bytes | None]) -> bytes:
    """Return entries, each after its length in two bytes; None is an entry that is withheld."""
    return b"".join(struct.pack(">H", len(entry or b"")) + (entry or b"") for entry in entries)


def unpack_entries(raw: bytes, width: int) -> list[bytes | None]:
    """Read `width` entries; None is one that is withheld."""
    entries: list[bytes | None] = []
    offset = 0
    while offset + 2 <= len(raw) and len(entries) < width:
        (length,) = struct.unpack_from(">H", raw, offset)
        offset += 2
        entries.append(raw[offset : offset + length] or None)
        offset += length
    if offset != len(raw) or len(entries) != width:
        raise BundleError("a file of entries is cut off, or has too few or too many")
    return entries


def _partial(width: int) -> str:
    if not 1 <= width <= TILE_WIDTH:
        raise BundleError("a tile has 1 to 256 hashes")
    return "" if width == TILE_WIDTH else f".p/{width}"
