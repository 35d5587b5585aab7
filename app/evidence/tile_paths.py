"""The paths of C2SP tlog-tiles: level, then the tile's index in groups of three digits, then its width."""

from __future__ import annotations

import re
from typing import Final

from app.errors import NotInLogError
from schemas.documents.errors import BundleError
from schemas.matchlog.tiles import TILE_WIDTH, Tile

# Levels up to 6 cover 2^56 entries, more than canonical JSON can number.
_PATH: Final = re.compile(
    r"([0-6]|entries)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


def parse_tile_path(path: str) -> tuple[Tile, bool]:
    """Return the tile that a path names, and whether it means the entries under it.

    Raises:
        NotInLogError: no tile can have this path, or it is not the one spelling of it.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise NotInLogError("There is nothing here.")
    level, number, width = match.groups()
    index = int(re.sub(r"[x/]", "", number))
    is_entries = level == "entries"
    tile = Tile(0 if is_entries else int(level), index, int(width or TILE_WIDTH))
    try:
        spelled = tile.entries_path if is_entries else tile.path
    except BundleError as exc:
        raise NotInLogError("There is nothing here.") from exc
    if spelled != f"tile/{path}":
        raise NotInLogError("There is nothing here.")
    return tile, is_entries
