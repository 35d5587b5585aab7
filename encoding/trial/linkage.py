"""Two files linked in one process: the agencies' encoder, then the broker's join, weights and solver.

Nobody is kept from anything here: anyone who does both holds the key and the encodings.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import Window, meet
from app.matching.blocks.ranges import Sizes
from app.matching.blocks.resolution import Resolution, link_policy, resolve_pair
from app.matching.blocks.rows import ROW, Rows
from encoding.blocks.assembly import Assembly, Batch, MetPasses, Randomness
from encoding.blocks.keys import CellKeys
from encoding.progress import Progress, silent
from schemas.linkage.counts import SMALLEST_COUNTED_FILE, FileCounts, published_counts
from schemas.linkage.profile import EncodingProfile, Side
from schemas.linkage.run import RECOMMENDED_POLICY


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Encoded:
    """A file as a broker gets it.

    Attributes:
        rows: all rows, sorted by token.
        n_records: records are numbered from 0 to below this.
        counts: what the agency of the larger file states.
        met: by which passes each record can be found.
    """

    rows: Rows
    n_records: int
    counts: FileCounts
    met: MetPasses


def encode(
    profile: EncodingProfile,
    key: bytes,
    side: Side,
    batches: Iterable[Batch],
    *,
    repeated: NDArray[np.bool_],
    randomness: Randomness | None = None,
    progress: Progress = silent,
) -> Encoded:
    """Encode one file.

    Args:
        profile: the encoding profile.
        key: that of the round, 32 bytes; both files need the same.
        side: whether it is the larger of the two.
        batches: the derived rows of all records; the first one of a record is its main spelling.
        repeated: which records have rows in several batches, shape (n records,).
        randomness: given in tests and benchmarks only.
        progress: told how far sealing is.
    """
    n_records = len(repeated)
    with (
        tempfile.TemporaryDirectory() as folder,
        Assembly(
            profile,
            CellKeys(key),
            side,
            n_records=n_records,
            repeated=repeated,
            folder=Path(folder),
            randomness=randomness,
        ) as assembly,
    ):
        for columns, records in batches:
            assembly.add(columns, records)
        rows = np.concatenate(
            [np.empty(0, dtype=ROW), *(some.view(ROW) for some in assembly.rows(progress))]
        )
        is_counted = side == "larger" and n_records >= SMALLEST_COUNTED_FILE
        counts = assembly.file_counts() if is_counted else published_counts(profile, n_records)
        return Encoded(rows, n_records, counts, assembly.met)


def link(profile: EncodingProfile, smaller: Encoded, larger: Encoded) -> Resolution:
    """Link two files by the policy that drafts of agreements propose.

    Raises:
        MatchingError: nothing can be linked, such as where the larger file's counts are impossible.
    """
    met = meet(Window(smaller.rows, 0), Window(larger.rows, 0), LevelRules(profile))
    return resolve_pair(
        [met],
        profile=profile,
        counts=larger.counts,
        sizes=Sizes(smaller.n_records, larger.n_records),
        policy=link_policy(RECOMMENDED_POLICY),
    )
