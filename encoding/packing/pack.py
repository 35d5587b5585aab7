"""From cleaned columns to the body of a container: all of the encoder, without file, workspace, and settings.

Its closure is what a reviewer reads of the encoder (docs/security/reading.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.assembly import Assembly, AssemblyCounts, Batch, MetPasses
from encoding.blocks.keys import CellKeys
from encoding.packing.container import Body, write_body
from encoding.progress import Progress
from schemas.linkage.counts import SMALLEST_COUNTED_FILE, FileCounts
from schemas.linkage.profile import EncodingProfile, Side


@dataclass(frozen=True, slots=True)
class Packed:
    """The body of a container, and what the agency knows of it.

    Attributes:
        body: table of handles and rows, on disk.
        counts: what was counted while rows were made.
        met: by which passes each record can be found.
        stated: what a larger file states of its frequencies; None: it is the smaller, or too small.
    """

    body: Body
    counts: AssemblyCounts
    met: MetPasses
    stated: FileCounts | None


def pack(
    profile: EncodingProfile,
    key: bytes,
    side: Side,
    *,
    handles: NDArray[np.uint8],
    repeated: NDArray[np.bool_],
    batches: Iterable[Batch],
    folder: Path,
    progress: Progress,
) -> Packed:
    """Encode one file.

    Args:
        profile: the encoding profile.
        key: that of the round and pair, 32 bytes.
        side: whether it is the larger file of the two.
        handles: those of the records, in order, shape (n records, bytes of one).
        repeated: which records have several rows in the file, shape (n records,).
        batches: the rows of all records; the first one of a record is its main spelling.
        folder: an empty folder for bucket files and the body.
        progress: told how far sealing is.
    """
    with Assembly(
        profile, CellKeys(key), side, n_records=len(handles), repeated=repeated, folder=folder
    ) as assembly:
        for columns, records in batches:
            assembly.add(columns, records)
        body = write_body(folder / "body", handles, assembly.rows(progress))
        is_counted = side == "larger" and len(handles) >= SMALLEST_COUNTED_FILE
        stated = assembly.file_counts() if is_counted else None
        return Packed(body, assembly.counts, assembly.met, stated)
