"""Known numbers that several records of a file hold: nobody can be told by them, so they count for none.

One state found 4,026 pupils on one Social Security number. Hashes stand for numbers and records, so that a file
of millions fits into memory; they are Python's own, keyed anew in each run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from encoding.recipe.numbers import NUMBER_COLUMN

Hashes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SharedNumbers:
    """The numbers of a file that more than one record holds.

    Attributes:
        hashes: of these numbers, in increasing order.
        n_records: how many records hold one of them.
        n_holders: how many records hold any number.
    """

    hashes: Hashes
    n_records: int
    n_holders: int

    @classmethod
    def among(cls, numbers: Hashes, records: NDArray[np.integer[Any]]) -> Self:
        """Return those of a file's rows.

        Args:
            numbers: hash of each row's number; that of the empty text where it has none.
            records: what stands for each row's record, shape (n rows,).
        """
        has_number = numbers != hash("")
        numbers, records = numbers[has_number], records[has_number]
        order = np.lexsort((records, numbers))
        numbers, records = numbers[order], records[order]
        is_new_pair = np.ones(len(numbers), dtype=bool)
        is_new_pair[1:] = (numbers[1:] != numbers[:-1]) | (records[1:] != records[:-1])
        numbers, records = numbers[is_new_pair], records[is_new_pair]
        distinct, n_each = np.unique(numbers, return_counts=True)
        shared = distinct[n_each > 1]
        sharing = records[np.isin(numbers, shared)]
        return cls(shared, len(np.unique(sharing)), len(np.unique(records)))

    def __len__(self) -> int:
        return len(self.hashes)

    def blanked(self, numbers: Sequence[str]) -> list[str]:
        """Return the numbers, those that are shared replaced by nothing."""
        is_shared = np.isin(hashes(numbers), self.hashes).tolist()
        return ["" if gone else one for one, gone in zip(numbers, is_shared, strict=True)]


NO_NUMBERS: Final = SharedNumbers(np.empty(0, dtype=np.int64), 0, 0)
"""Of a file that has no known numbers."""


def hashes(values: Sequence[object]) -> Hashes:
    """Return Python's own hashes: what is kept of a value tells nothing by itself."""
    return np.fromiter(map(hash, values), dtype=np.int64, count=len(values))


def without_shared(
    columns: Mapping[str, list[str]], records: NDArray[np.integer[Any]]
) -> Mapping[str, list[str]]:
    """Return derived rows without the known numbers that several of their records hold.

    Of a sample of a file, what one record in it shares with one that is not in it stays.
    """
    if NUMBER_COLUMN not in columns:
        return columns
    shared = SharedNumbers.among(hashes(columns[NUMBER_COLUMN]), records)
    return {**columns, NUMBER_COLUMN: shared.blanked(columns[NUMBER_COLUMN])}
