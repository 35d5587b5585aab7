"""From a block of the plan to its candidate pairs of records."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive.blocks import Block, Dataset
from app.matching.exhaustive.candidates import Candidates, best_of_each_pair
from app.matching.exhaustive.dice import dice_candidates, dice_duplicates
from app.matching.exhaustive.errors import DatasetError
from app.matching.exhaustive.kernels import AUTO
from app.matching.exhaustive.policy import MatchingPolicy


def match_block(
    datasets: Sequence[Dataset],
    block: Block,
    policy: MatchingPolicy,
    *,
    kernel: str = AUTO,
    executor: Executor | None = None,
    n_threads: int = 1,
    max_pairs: int | None = None,
    cancelled: threading.Event | None = None,
) -> Candidates:
    """Return the candidate pairs of a block, in record indexes, the best variant of each.

    Pairs across files reach the review threshold; pairs within a file reach the auto threshold,
    because they only say which records are the same person twice.

    Raises:
        DatasetError: the block does not belong to these datasets.
        PairCapError: more than `max_pairs` pairs of encodings reach the threshold.
        MatchingCancelledError: `cancelled` was set.
    """
    left, right = _dataset(datasets, block.left_dataset), _dataset(datasets, block.right_dataset)
    at_left = left.encodings_of(block.left_start, block.left_stop)
    at_right = right.encodings_of(block.right_start, block.right_stop)
    threshold = policy.auto if block.is_within else policy.review
    if block.is_triangle:
        pairs = dice_duplicates(
            left.words[at_left],
            threshold,
            kernel=kernel,
            executor=executor,
            n_threads=n_threads,
            max_pairs=max_pairs,
            cancelled=cancelled,
        )
    else:
        pairs = dice_candidates(
            left.words[at_left],
            right.words[at_right],
            threshold,
            kernel=kernel,
            executor=executor,
            n_threads=n_threads,
            max_pairs=max_pairs,
            cancelled=cancelled,
        )
    return _to_records(pairs, left, at_left, right, at_right, is_within=block.is_within)


def _dataset(datasets: Sequence[Dataset], index: int) -> Dataset:
    if not 0 <= index < len(datasets):
        raise DatasetError("the block names a dataset that is not there")
    return datasets[index]


def _to_records(
    pairs: Candidates,
    left: Dataset,
    at_left: slice,
    right: Dataset,
    at_right: slice,
    *,
    is_within: bool,
) -> Candidates:
    records = Candidates(
        left.record[at_left][pairs.left],
        right.record[at_right][pairs.right],
        pairs.common,
        pairs.total,
    )
    if is_within:
        records = records.take(records.left != records.right)
    has_variants = _has_variants(left.record[at_left]) or _has_variants(right.record[at_right])
    return best_of_each_pair(records) if has_variants else records


def _has_variants(record: NDArray[np.uint32]) -> bool:
    return bool(np.any(record[1:] == record[:-1]))
