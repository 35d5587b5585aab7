"""A sample of the records of a file, in one reading: the same records each time, with all of their rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sample:
    """Rows of some records, as the file holds them; as sensitive as the file.

    Attributes:
        record: number of the record of each row, from 0, never decreasing.
        columns: the cells of each header, in the order of `record`.
    """

    record: NDArray[np.intp]
    columns: Mapping[str, list[str]]


class RecordSampler:
    """Keeps the records whose IDs have the smallest digests: a fair choice that needs no second reading.

    Args:
        n_records: how many records to keep at most.
        headers: the columns to keep.
        seed: another seed chooses other records.
    """

    def __init__(self, n_records: int, headers: Sequence[str], seed: str = "sample") -> None:
        self._n = n_records
        self._headers = tuple(headers)
        self._key = seed.encode()[:64]
        self._rows: dict[int, list[tuple[str, ...]]] = {}
        self._limit = 1 << 64

    def add(self, record_ids: Sequence[str], columns: Mapping[str, Sequence[str]]) -> None:
        """Take some rows; rows without a record ID are not taken."""
        cells = zip(*(columns[header] for header in self._headers), strict=True)
        for record_id, row in zip(record_ids, cells, strict=True):
            place = self._place(record_id)
            if record_id and place < self._limit:
                self._rows.setdefault(place, []).append(row)
        if len(self._rows) > 2 * self._n:
            self._cut()

    def sample(self) -> Sample:
        """Return what was kept, records in the order of their digests."""
        self._cut()
        kept = sorted(self._rows.items())
        record = [number for number, (_, rows) in enumerate(kept) for _ in rows]
        cells = [row for _, rows in kept for row in rows]
        by_header = zip(*cells, strict=True) if cells else ((),) * len(self._headers)
        columns = dict(zip(self._headers, map(list, by_header), strict=True))
        return Sample(np.array(record, dtype=np.intp), columns)

    def _cut(self) -> None:
        if len(self._rows) > self._n:
            kept = sorted(self._rows)[: self._n]
            self._limit = kept[-1] + 1
            self._rows = {place: self._rows[place] for place in kept}

    def _place(self, record_id: str) -> int:
        digest = hashlib.blake2b(
            record_id.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key
        )
        return int.from_bytes(digest.digest(), "big")
