"""Datasets, and the blocks into which their comparison is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive.errors import DatasetError, EncodingWidthError
from app.matching.exhaustive.words import Words, check_words

# About 46,000 x 46,000 encodings: a second or so for the C kernel, some twenty for the numpy kernel,
# and little enough work to lose when a run is killed.
BLOCK_PAIRS = 1 << 31


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dataset:
    """The encodings of one file; several encodings (variants) may stand for one record.

    Attributes:
        words: the encodings, shape (n_encodings, n_words).
        record: uint32, the record of each encoding, never decreasing, below `n_records`.
        n_records: number of records; a record without an encoding matches nothing.

    Raises:
        DatasetError: `record` does not fit the encodings.
        EncodingWidthError: `words` is not as `pack_words` returns it.
    """

    words: Words
    record: NDArray[np.uint32]
    n_records: int

    def __post_init__(self) -> None:
        check_words(self.words)
        record = self.record
        if record.dtype != np.uint32 or record.shape != (len(self.words),):
            raise DatasetError("a dataset needs one uint32 record index for each encoding")
        if len(record) and (np.any(record[1:] < record[:-1]) or record[-1] >= self.n_records):
            raise DatasetError("record indexes must not decrease, and stay below the record count")
        if not 0 <= self.n_records < 1 << 32:
            raise DatasetError("a dataset holds at most 2**32 - 1 records")

    @classmethod
    def of(cls, words: Words) -> Dataset:
        """Return a dataset with one encoding for each record, in order."""
        return cls(words, np.arange(len(words), dtype=np.uint32), len(words))

    def only(self, records: NDArray[np.uint32]) -> Dataset:
        """Return a dataset of the encodings of some records, numbered as in this one."""
        is_kept = np.zeros(self.n_records, dtype=bool)
        is_kept[records] = True
        rows = is_kept[self.record]
        return Dataset(self.words[rows], self.record[rows], self.n_records)

    def encodings_of(self, start: int, stop: int) -> slice:
        """Return where the encodings of records start..stop lie."""
        first, last = np.searchsorted(self.record, (start, stop))
        return slice(int(first), int(last))


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of the comparison: records of one dataset with records of another or the same.

    Attributes:
        number: position in the plan, from 0.
        left_dataset: index of the left dataset, at most `right_dataset`.
        right_dataset: index of the right dataset; the same for duplicates within a file.
        left_start: first left record.
        left_stop: one past the last left record.
        right_start: first right record.
        right_stop: one past the last right record.
        n_comparisons: pairs of encodings that the block compares.
    """

    number: int
    left_dataset: int
    right_dataset: int
    left_start: int
    left_stop: int
    right_start: int
    right_stop: int
    n_comparisons: int

    @property
    def is_within(self) -> bool:
        """Whether the block looks for duplicates within one file."""
        return self.left_dataset == self.right_dataset

    @property
    def is_triangle(self) -> bool:
        """Whether both sides are the same records, of which each pair is compared once."""
        return self.is_within and self.left_start == self.right_start


def plan_blocks(
    datasets: Sequence[Dataset],
    *,
    block_pairs: int,
    is_across: bool = True,
    is_within: bool = True,
    first_number: int = 0,
) -> tuple[Block, ...]:
    """Return the blocks that together compare every pair once, in a fixed order.

    The plan depends on the sizes of the datasets, the encodings of each record and `block_pairs`
    alone, so a run that resumes gets the same one. Every block has whole records on both sides.

    Args:
        datasets: two or more files, or one to look for duplicates only.
        block_pairs: about how many pairs of encodings a block compares; at least 1.
        is_across: compare each two files.
        is_within: compare each file with itself.
        first_number: number of the first block.

    Raises:
        DatasetError: no dataset, or `block_pairs` below 1.
        EncodingWidthError: the datasets have different widths.
    """
    if not datasets or block_pairs < 1:
        raise DatasetError("a plan needs a dataset and at least one pair in a block")
    if len({dataset.words.shape[1] for dataset in datasets}) > 1:
        raise EncodingWidthError("all files of a run must have encodings of the same width")
    rectangles = (
        rectangle
        for left in range(len(datasets))
        for right in range(left, len(datasets))
        if (is_within if left == right else is_across)
        for rectangle in _rectangles(datasets, left, right, block_pairs)
    )
    return tuple(
        Block(number, *rectangle) for number, rectangle in enumerate(rectangles, first_number)
    )


def _rectangles(
    datasets: Sequence[Dataset], left: int, right: int, block_pairs: int
) -> Iterator[tuple[int, int, int, int, int, int, int]]:
    """Yield the fields of a Block, without its number, for one pair of datasets."""
    a, b = datasets[left], datasets[right]
    height = max(1, min(len(a.words), isqrt(block_pairs)))
    width = max(1, block_pairs // height)
    rows = _record_ranges(a, height)
    columns = rows if left == right else _record_ranges(b, width)
    for row, row_stop in rows:
        for column, column_stop in columns:
            if left == right and column < row:
                continue
            n_left = _length(a.encodings_of(row, row_stop))
            n_right = _length(b.encodings_of(column, column_stop))
            is_triangle = left == right and row == column
            n = n_left * (n_left - 1) // 2 if is_triangle else n_left * n_right
            if n:
                yield left, right, row, row_stop, column, column_stop, n


def _record_ranges(dataset: Dataset, n_encodings: int) -> list[tuple[int, int]]:
    """Return ranges of whole records with about `n_encodings` encodings each, evenly filled."""
    n = len(dataset.words)
    if n == 0:
        return []
    n_ranges = -(-n // n_encodings)
    cuts = [int(dataset.record[i * n // n_ranges]) for i in range(1, n_ranges)]
    edges = sorted({0, *cuts, dataset.n_records})
    return list(pairwise(edges))


def _length(where: slice) -> int:
    return int(where.stop - where.start)
