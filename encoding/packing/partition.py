"""How an agency that is asked for cards puts its records in buckets, the same ones from round to round.

Who reviews asks for whole buckets, so that this agency does not learn which record of one is looked at. Were
records put together anew each time, a question that stays open would give its record away: it alone would be in
all buckets that are asked for. So the partition stays: ranges of record keys, which are a keyed hash of record
IDs. A range is joined with the next one where too few of its records are left that can be in question. Spec
page: `schemas/spec/review.md`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from encoding.packing.handles import RecordKeys, keys_of_texts
from encoding.workspace.sealed_record import SealedRecord
from schemas.documents.document import Document
from schemas.rounds.review import BUCKET_BYTES

Hashes = NDArray[np.uint64]
"""The first 64 bits of record keys."""

# So many times the agreed size are left in a bucket at first, as links and leavers take some away.
_FIRST_SIZES: Final = 2


@dataclass(frozen=True, slots=True)
class Buckets:
    """How many records a bucket has at least, and the keys of those that are linked already."""

    size: int
    linked: Collection[str] = field(default=(), repr=False)


class Partition(Document):
    """Where each bucket begins among the hashes, in order; the first one begins at zero."""

    KIND: ClassVar[str] = "partition"

    version: Literal["blindlink/partition/1"] = "blindlink/partition/1"
    starts: Annotated[str, Field(pattern=r"^0{16}([0-9a-f]{16})*$", repr=False)]

    @model_validator(mode="after")
    def _starts_are_in_order(self) -> Self:
        starts = self.hashes()
        if (starts[1:] <= starts[:-1]).any():
            raise ValueError("buckets must begin one after the other")
        return self

    @classmethod
    def of(cls, starts: Hashes) -> Self:
        """Return the partition with these beginnings."""
        return cls(starts=starts.astype(">u8").tobytes().hex())

    def hashes(self) -> Hashes:
        """Return where each bucket begins."""
        return np.frombuffer(bytes.fromhex(self.starts), dtype=">u8").astype(np.uint64)

    def places(self, hashes: Hashes) -> NDArray[np.intp]:
        """Return the number of each hash's bucket, shape (n,)."""
        return np.searchsorted(self.hashes(), hashes, side="right") - 1


class PartitionFile:
    """Where the partition of a project's records is kept; use it under the workspace's lock."""

    def __init__(self, path: Path, project: str, workspace_key: bytes) -> None:
        self._record = SealedRecord(path, f"partition/{project}", workspace_key)

    def read(self) -> Partition | None:
        """Return what is kept; None before the first container that a reviewer may ask about.

        Raises:
            WorkspaceError: it is damaged, or sealed under another workspace key.
        """
        return self._record.read_as(Partition)

    def write(self, partition: Partition) -> None:
        """Keep the partition, durably."""
        self._record.write(partition.to_canonical())


def labels_of(file: PartitionFile, buckets: Buckets, keys: RecordKeys) -> NDArray[np.uint8]:
    """Return the label of each record's bucket, drawn anew, and keep the partition that they come from.

    Where the file has fewer records than a bucket, each has a label of its own, and nothing is asked about it.
    """
    if len(keys.high) < buckets.size:
        return _draw_labels(len(keys.high))
    kept = file.read()
    partition = carried_on(kept, _unlinked(keys, buckets.linked), buckets.size)
    if partition != kept:
        file.write(partition)
    places = partition.places(keys.high)
    return _draw_labels(int(places.max()) + 1)[places]


def carried_on(kept: Partition | None, unlinked: Hashes, size: int) -> Partition:
    """Return the partition for the next container."""
    kept = kept or _first(unlinked, _FIRST_SIZES * size)
    counts = np.bincount(kept.places(unlinked), minlength=len(kept.hashes()))
    begins, n_here = list[int](), size
    for place, count in enumerate(counts.tolist()):
        if n_here >= size:
            begins.append(place)
            n_here = 0
        n_here += count
    if n_here < size and len(begins) > 1:
        begins.pop()
    return Partition.of(kept.hashes()[begins])


def _first(unlinked: Hashes, size: int) -> Partition:
    """Return the partition whose buckets have so many records that can be in question, and the last more."""
    begins = np.sort(unlinked)[size : len(unlinked) - size + 1 : size]
    return Partition.of(np.unique(np.concatenate([np.zeros(1, dtype=np.uint64), begins])))


def _unlinked(keys: RecordKeys, linked: Collection[str]) -> Hashes:
    known = keys_of_texts(list(linked))
    # Two records that share 64 bits are one here, once in a million files.
    return keys.high[~np.isin(keys.high, known.high)]


def _draw_labels(n_labels: int) -> NDArray[np.uint8]:
    """Return as many labels, all different, shape (n, 4)."""
    drawn = dict[bytes, None]()
    while len(drawn) < n_labels:
        raw = secrets.token_bytes((n_labels - len(drawn)) * BUCKET_BYTES)
        drawn |= dict.fromkeys(
            raw[at : at + BUCKET_BYTES] for at in range(0, len(raw), BUCKET_BYTES)
        )
    return np.frombuffer(b"".join(drawn), dtype=np.uint8).reshape(n_labels, BUCKET_BYTES)
