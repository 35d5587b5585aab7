"""Groups of records in canonical order, held as flat arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

GroupMembers = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Groups:
    """Groups of two or more records; members are sorted, groups are sorted by first member.

    Attributes:
        dataset: uint16, the dataset of each member, all groups one after the other.
        record: uint32, the record of each member.
        start: int64, where each group starts, and at the end the number of members.
    """

    dataset: NDArray[np.uint16]
    record: NDArray[np.uint32]
    start: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start) - 1

    def __iter__(self) -> Iterator[GroupMembers]:
        members = list(zip(self.dataset.tolist(), self.record.tolist(), strict=True))
        edges = self.start.tolist()
        return (tuple(members[a:b]) for a, b in pairwise(edges))


def first_record_ids(n_records: Sequence[int]) -> NDArray[np.int64]:
    """Return the id of each dataset's record 0, and at the end the number of records.

    Solvers number the records of all datasets through: by dataset, then by record.
    """
    return np.concatenate(([0], np.cumsum(np.asarray(n_records, dtype=np.int64))))


def split_record_ids(
    ids: NDArray[np.integer], n_records: Sequence[int]
) -> tuple[NDArray[np.uint16], NDArray[np.uint32]]:
    """Return the dataset and the record of each record id."""
    first_ids = first_record_ids(n_records)
    dataset = np.searchsorted(first_ids, ids, side="right") - 1
    return dataset.astype(np.uint16), (ids - first_ids[dataset]).astype(np.uint32)


def groups_from_labels(labels: NDArray[np.uint32], n_records: Sequence[int]) -> Groups:
    """Return the groups of two or more records that have the same label, by record id."""
    size = np.bincount(labels, minlength=0) if len(labels) else np.zeros(0, dtype=np.int64)
    member = np.flatnonzero(size[labels] > 1) if len(labels) else np.zeros(0, dtype=np.int64)
    # The first member of each label, met in increasing id, names the group in canonical order.
    _, first, group = np.unique(labels[member], return_index=True, return_inverse=True)
    leader = member[first][group]
    order = np.lexsort((member, leader))
    member, leader = member[order], leader[order]
    start = np.flatnonzero(np.concatenate(([True], leader[1:] != leader[:-1])))
    dataset, record = split_record_ids(member, n_records)
    return Groups(
        dataset=dataset,
        record=record,
        start=np.append(start if len(member) else start[:0], len(member)).astype(np.int64),
    )
