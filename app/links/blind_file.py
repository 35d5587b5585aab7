"""Writes a blind release: every record of an upload with a match ID that only the recipient can open."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from app.links.matches import match_ids
from app.matching.blocks.bins import Taken
from app.uploads.reader import each_handle
from schemas.documents.ids import MATCH_ID_BYTES, Handle, MatchId
from schemas.linkage.profile import SIDES
from schemas.rounds.blind import NONCE_BYTES, MatchIdSeal

if TYPE_CHECKING:
    from app.links.matches import LinkedRun
    from app.matching.blocks.bins import Rows

# Records whose match IDs are drawn at a time.
_AT_ONCE: Final = 1 << 13


def sealed_records(
    run: LinkedRun, side: int, space: str, seal: MatchIdSeal
) -> Iterator[tuple[Handle, bytes]]:
    """Yield all handles of a file in increasing order, each with a match ID sealed.

    A record that is matched has its match ID; any other has a fresh random one, so that nothing tells them
    apart: not the number of records, their sizes, their order, or what is sealed.
    """
    start, taken = 0, Taken(run.matches.of_side(side), SIDES[side])
    for piece in run.handles[side].pieces():
        for table in np.split(piece, range(_AT_ONCE, len(piece), _AT_ONCE)):
            drawn = _drawn(run, space, taken.below(start + len(table)), SIDES[side])
            for record, handle in enumerate(each_handle(table), start):
                # Drawn for every record, so that the two kinds differ in nothing but which ID is used.
                fresh = MatchId(secrets.token_bytes(MATCH_ID_BYTES))
                yield handle, seal.close(drawn.get(record, fresh), secrets.token_bytes(NONCE_BYTES))
            start += len(table)


def _drawn(run: LinkedRun, space: str, matches: Rows | None, column: str) -> dict[int, MatchId]:
    """Return match IDs by the records of a side."""
    if matches is None:
        return {}
    return dict(zip(matches[column].tolist(), match_ids(run, space, matches), strict=True))
