"""The candidate pairs of all files together, judged, in the order in which they are solved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive.bands import Rule, judge_pairs
from app.matching.exhaustive.blocks import Block
from app.matching.exhaustive.candidates import (
    Candidates,
    join_candidates,
    no_candidates,
    similarity_code,
    sort_candidates,
)
from app.matching.exhaustive.errors import DatasetError
from app.matching.exhaustive.groups import first_record_ids
from app.matching.exhaustive.policy import MatchingPolicy
from app.matching.exhaustive.solver import pick_one_to_one

FilePair = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JudgedPairs:
    """Pairs across files that the solver has to see, in solving order.

    The order is: pairs that may be linked without a decision first; then decreasing similarity,
    left dataset, right dataset, left record, right record.

    Attributes:
        left: uint32, record id (see `first_record_ids`).
        right: uint32, record id.
        common: uint16.
        total: uint16.
        rule: uint8, a `Rule`.
        runner_up_common: uint16, 0 where there is no runner-up.
        runner_up_total: uint16, 0 where there is no runner-up.
    """

    left: NDArray[np.uint32]
    right: NDArray[np.uint32]
    common: NDArray[np.uint16]
    total: NDArray[np.uint16]
    rule: NDArray[np.uint8]
    runner_up_common: NDArray[np.uint16]
    runner_up_total: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.left)


def collect_pairs(
    n_records: Sequence[int], blocks: Iterable[tuple[Block, Candidates]]
) -> tuple[dict[FilePair, list[Candidates]], dict[int, Candidates]]:
    """Return the pairs across files by their two files, and the pairs within each file.

    Raises:
        DatasetError: a block or a pair names a dataset or a record that is not there, or the files
            hold too many records.
    """
    if sum(n_records) >= 1 << 32:
        raise DatasetError("all files together hold at most 2**32 - 1 records")
    across: dict[FilePair, list[Candidates]] = {}
    within: dict[int, list[Candidates]] = {file: [] for file in range(len(n_records))}
    for block, pairs in blocks:
        _check_records(n_records, block, pairs)
        if block.is_within:
            within[block.left_dataset].append(pairs)
        else:
            across.setdefault((block.left_dataset, block.right_dataset), []).append(pairs)
    return across, {file: join_candidates(parts) for file, parts in within.items()}


def judge_all(
    across: dict[FilePair, list[Candidates]],
    duplicates: Sequence[NDArray[np.uint32]],
    policy: MatchingPolicy,
) -> JudgedPairs:
    """Judge the pairs of each two files, and put what the solver needs in solving order.

    Args:
        across: pairs by their two files; emptied on the way, to free memory.
        duplicates: for each dataset, the duplicate group of each record, as a label.
        policy: thresholds, margin and solver.
    """
    first_ids = first_record_ids([len(labels) for labels in duplicates])
    parts = []
    for left, right in sorted(across):
        pairs = sort_candidates(join_candidates(across.pop((left, right))))
        judged = _judge_files(pairs, duplicates[left], duplicates[right], policy)
        parts.append(
            replace(
                judged,
                left=judged.left + np.uint32(first_ids[left]),
                right=judged.right + np.uint32(first_ids[right]),
            )
        )
    if not parts:
        nobody = np.empty(0, dtype=np.uint32)
        parts.append(_judge_files(no_candidates(), nobody, nobody, policy))
    return _in_solving_order(parts)


def _check_records(n_records: Sequence[int], block: Block, pairs: Candidates) -> None:
    if not 0 <= block.left_dataset <= block.right_dataset < len(n_records):
        raise DatasetError("a block names a dataset that is not there")
    n_left, n_right = n_records[block.left_dataset], n_records[block.right_dataset]
    if len(pairs) and (pairs.left.max() >= n_left or pairs.right.max() >= n_right):
        raise DatasetError("a block holds a pair whose record is not there")


def _judge_files(
    pairs: Candidates,
    left_duplicates: NDArray[np.uint32],
    right_duplicates: NDArray[np.uint32],
    policy: MatchingPolicy,
) -> JudgedPairs:
    """Return the pairs of two files that the solver needs, by record, in their total order.

    The one-to-one solver picks here, for each two files; the groups solver needs every pair.
    """
    standing = judge_pairs(pairs, left_duplicates, right_duplicates, policy)
    rows: slice | NDArray[np.intp] = slice(None)
    if policy.solver == "one-to-one":
        n_left, n_right = len(left_duplicates), len(right_duplicates)
        rows = np.flatnonzero(pick_one_to_one(pairs.left, pairs.right, n_left, n_right))
    picked, runner_up = pairs.take(rows), standing.runner_up[rows]
    return JudgedPairs(
        left=picked.left,
        right=picked.right,
        common=picked.common,
        total=picked.total,
        rule=standing.rule[rows],
        runner_up_common=np.append(pairs.common, np.uint16(0))[runner_up],
        runner_up_total=np.append(pairs.total, np.uint16(0))[runner_up],
    )


def _in_solving_order(parts: Sequence[JudgedPairs]) -> JudgedPairs:
    """Return all parts as one; each part is in total order, and parts come in order of files."""

    def join(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    is_held_back = join("rule") != Rule.MUTUAL_BEST_WITH_MARGIN
    # Stable, so that equal similarities stay in order of files, then records.
    order = np.lexsort((~similarity_code(join("common"), join("total")), is_held_back))
    return JudgedPairs(*(join(field.name)[order] for field in fields(JudgedPairs)))
