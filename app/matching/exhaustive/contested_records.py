"""Which records of a file could be each other's rivals, so that it matters if they are one person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive.blocks import Block
from app.matching.exhaustive.candidates import Candidates, join_candidates
from app.matching.exhaustive.judged_pairs import collect_pairs


def contested_records(
    n_records: Sequence[int], blocks: Iterable[tuple[Block, Candidates]]
) -> tuple[NDArray[np.uint32], ...]:
    """Return for each dataset the records that share a candidate in another file with a second one.

    Only between these can a duplicate change a decision: it takes a rival away. A file of which
    few records are contested need not be compared with itself whole: plan blocks of
    `Dataset.only(contested)` within files instead. What is lost is a chain of duplicates that
    leads through a record with no candidate of its own.

    Args:
        n_records: number of records of each dataset.
        blocks: the blocks across files with their pairs, all of them, in any order.

    Raises:
        DatasetError: a block or a pair names a dataset or a record that is not there.
    """
    across, _ = collect_pairs(n_records, blocks)
    is_contested = [np.zeros(n, dtype=bool) for n in n_records]
    for (left, right), parts in across.items():
        pairs = join_candidates(parts)
        _mark(pairs.left, pairs.right, n_records[left], is_contested[right])
        _mark(pairs.right, pairs.left, n_records[right], is_contested[left])
    return tuple(np.flatnonzero(is_one).astype(np.uint32) for is_one in is_contested)


def _mark(
    record: NDArray[np.uint32],
    candidate: NDArray[np.uint32],
    n_records: int,
    is_contested: NDArray[np.bool_],
) -> None:
    """Mark the candidates of records that have several."""
    has_several = np.bincount(record, minlength=n_records) > 1
    is_contested[candidate[has_several[record]]] = True
