"""All pairs across files at one threshold: what anonlink's solvers work on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive.blocks import Block
from app.extras.exhaustive.candidates import (
    Candidates,
    join_candidates,
    similarity_code,
    sort_candidates,
)
from app.extras.exhaustive.errors import DatasetError
from app.extras.exhaustive.groups import Groups, first_record_ids, split_record_ids
from app.extras.exhaustive.solver import GroupSolver, Solver, pick_one_to_one


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OrderedPairs(Candidates):
    """Pairs across files by decreasing similarity, left and right dataset, left and right record.

    `left` and `right` are record ids (see `first_record_ids`), `right` of a later dataset.

    Attributes:
        n_records: number of records of each dataset.
    """

    n_records: tuple[int, ...]


def order_pairs(
    n_records: Sequence[int], blocks: Iterable[tuple[Block, Candidates]]
) -> OrderedPairs:
    """Return the pairs of all blocks in one order."""
    if sum(n_records) >= 1 << 32:
        raise DatasetError("all files together hold at most 2**32 - 1 records")
    across: dict[tuple[int, int], list[Candidates]] = {}
    for block, pairs in blocks:
        _check_records(n_records, block, pairs)
        across.setdefault((block.left_dataset, block.right_dataset), []).append(pairs)
    first = first_record_ids(n_records).astype(np.uint32)
    parts = []
    for left, right in sorted(across):
        pairs = sort_candidates(join_candidates(across.pop((left, right))))
        ids = pairs.left + first[left], pairs.right + first[right]
        parts.append(Candidates(*ids, pairs.common, pairs.total))
    joined = join_candidates(parts)
    # Stable, so that equal similarities stay in order of files, then records.
    order = np.argsort(~similarity_code(joined.common, joined.total), kind="stable")
    ordered = joined.take(order)
    return OrderedPairs(
        ordered.left, ordered.right, ordered.common, ordered.total, tuple(n_records)
    )


def solve_pairs(
    pairs: OrderedPairs, solver: Solver, watch: Callable[[], None] = lambda: None
) -> Groups:
    """Return the groups of all pairs alike, by the greedy solver.

    With "groups" these are the groups of anonlink's greedy solver. With "one-to-one" each record
    has at most one partner in each other file, and no group holds a file twice. What `watch` raises,
    now and then, ends it.
    """
    left, right = pairs.left, pairs.right
    if solver == "one-to-one":
        rows = _pick_for_each_two_files(pairs)
        left, right = left[rows], right[rows]
    group_solver = GroupSolver(pairs.n_records, left, right, needs_every_pair=solver == "groups")
    group_solver.advance(len(left), watch)
    return group_solver.groups()


def _check_records(n_records: Sequence[int], block: Block, pairs: Candidates) -> None:
    if not 0 <= block.left_dataset < block.right_dataset < len(n_records):
        raise DatasetError("a block names a dataset that is not there")
    n_left, n_right = n_records[block.left_dataset], n_records[block.right_dataset]
    if len(pairs) and (pairs.left.max() >= n_left or pairs.right.max() >= n_right):
        raise DatasetError("a block holds a pair whose record is not there")


def _pick_for_each_two_files(pairs: OrderedPairs) -> NDArray[np.intp]:
    left_dataset, left = split_record_ids(pairs.left, pairs.n_records)
    right_dataset, right = split_record_ids(pairs.right, pairs.n_records)
    files = left_dataset.astype(np.int64) * len(pairs.n_records) + right_dataset
    picked = []
    for code in np.unique(files).tolist():
        rows = np.flatnonzero(files == code)
        n_left, n_right = (pairs.n_records[file] for file in divmod(code, len(pairs.n_records)))
        picked.append(rows[pick_one_to_one(left[rows], right[rows], n_left, n_right)])
    return np.sort(np.concatenate(picked)) if picked else np.empty(0, dtype=np.intp)
