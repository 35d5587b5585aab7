"""Writes a recipient's release file in pieces, so that a state's file is never in memory in whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from app.matching.exhaustive import Groups
from app.uploads.loading import LoadedUpload
from schemas.ids import Handle, LinkId

PIECE_BYTES: Final = 4 * 1024 * 1024


def own_links(
    groups: Groups, dataset: int, upload: LoadedUpload, link_ids: Sequence[LinkId]
) -> Iterator[tuple[Handle, LinkId]]:
    """Yield a party's own handles that are in a group, in increasing order, each with its group's link ID.

    Args:
        dataset: the number of the party's file in the run.
        link_ids: one a group.
    """
    group_of_member = np.repeat(np.arange(len(groups)), np.diff(groups.start))
    own = np.flatnonzero(groups.dataset == dataset)
    # Records are numbered in the order of their handles.
    own = own[np.argsort(groups.record[own], kind="stable")]
    for record, group in zip(
        groups.record[own].tolist(), group_of_member[own].tolist(), strict=True
    ):
        yield upload.handle(record), link_ids[group]


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
