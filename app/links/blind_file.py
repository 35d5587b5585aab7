"""Writes a blind release: every record of an upload with a link ID that only the recipient can open."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

import numpy as np

from app.matching.exhaustive import Groups
from app.uploads.loading import LoadedUpload
from schemas.blind import NONCE_BYTES, LinkIdSeal
from schemas.ids import LINK_ID_BYTES, Handle, LinkId


def sealed_records(
    groups: Groups,
    dataset: int,
    upload: LoadedUpload,
    link_ids: Sequence[LinkId],
    seal: LinkIdSeal,
) -> Iterator[tuple[Handle, bytes]]:
    """Yield all handles of a file in increasing order, each with its link ID sealed.

    A record in a group has the group's link ID; any other has a fresh random one, so that nothing tells them
    apart: not the number of records, their sizes, their order, or what is sealed.

    Args:
        dataset: the number of the party's file in the run.
        link_ids: one a group.
    """
    group_of_record = np.full(len(upload.handles), -1, dtype=np.int64)
    own = np.flatnonzero(groups.dataset == dataset)
    group_of_member = np.repeat(np.arange(len(groups)), np.diff(groups.start))
    group_of_record[groups.record[own]] = group_of_member[own]
    for record, group in enumerate(group_of_record.tolist()):
        # Drawn for every record, so that the two kinds differ in nothing but which ID is used.
        fresh = LinkId(secrets.token_bytes(LINK_ID_BYTES))
        link_id = fresh if group < 0 else link_ids[group]
        yield upload.handle(record), seal.close(link_id, secrets.token_bytes(NONCE_BYTES))
