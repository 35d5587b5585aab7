"""A file in the clear, as its own agency holds it: what attacks are checked against, never what they see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.values import Lines, ValueTables

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClearFile:
    """Derived lines of one file; as sensitive as the file.

    Attributes:
        columns: the recipe's derived columns, all of one length.
        record: number of each line's record; the first line of a record is its main spelling.
        n_records: records are numbered from 0 to below this.
    """

    columns: Mapping[str, Sequence[str]]
    record: Numbers
    n_records: int

    @property
    def main(self) -> Numbers:
        """The first line of each record, shape (n records,)."""
        numbers, first = np.unique(self.record, return_index=True)
        if len(numbers) != self.n_records:
            raise ValueError("a record has no line")
        return first.astype(np.int64)

    def lines(self, tables: ValueTables) -> Lines:
        """Return the number of each lane's value, shape (n lines, n lanes)."""
        return tables.lines(self.columns)

    def take(self, records: Numbers) -> ClearFile:
        """Return some records, numbered anew in the order in which they are named."""
        number = np.full(self.n_records, -1, dtype=np.int64)
        number[records] = np.arange(len(records))
        kept = np.flatnonzero(number[self.record] >= 0)
        columns = {
            name: [values[line] for line in kept.tolist()] for name, values in self.columns.items()
        }
        return ClearFile(columns, number[self.record[kept]], len(records))

    def plus(self, other: ClearFile) -> ClearFile:
        """Return the records of both files; those of the other one come after these."""
        columns = {name: [*values, *other.columns[name]] for name, values in self.columns.items()}
        record = np.concatenate([self.record, other.record + self.n_records])
        return ClearFile(columns, record, self.n_records + other.n_records)
