"""Writes a blind release: every record of an upload with a match ID that only the recipient can open."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from app.links.matches import match_id
from schemas.blind import NONCE_BYTES, MatchIdSeal
from schemas.ids import MATCH_ID_BYTES, Handle, MatchId

if TYPE_CHECKING:
    from app.links.matches import LinkedRun


def sealed_records(
    run: LinkedRun, side: int, space: str, seal: MatchIdSeal
) -> Iterator[tuple[Handle, bytes]]:
    """Yield all handles of a file in increasing order, each with a match ID sealed.

    A record that is matched has its match ID; any other has a fresh random one, so that nothing tells them
    apart: not the number of records, their sizes, their order, or what is sealed.
    """
    matched, key = run.matches.records[side], run.keys[space]
    larger, smaller = run.matches.records
    start = 0
    for piece in run.handles[side].pieces():
        match_of_record = np.full(len(piece), -1, dtype=np.int64)
        here = np.flatnonzero((matched >= start) & (matched < start + len(piece)))
        match_of_record[matched[here] - start] = here
        for handle, match in zip(piece, match_of_record.tolist(), strict=True):
            # Drawn for every record, so that the two kinds differ in nothing but which ID is used.
            fresh = MatchId(secrets.token_bytes(MATCH_ID_BYTES))
            drawn = match_id(key, int(larger[match]), int(smaller[match])) if match >= 0 else fresh
            yield Handle(handle.tobytes()), seal.close(drawn, secrets.token_bytes(NONCE_BYTES))
        start += len(piece)
