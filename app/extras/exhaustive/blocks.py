"""The blocks into which the comparison of files is cut, and the pairs of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from math import isqrt

import numpy as np

from app.extras.exhaustive.candidates import Candidates
from app.extras.exhaustive.dice import dice_candidates
from app.extras.exhaustive.errors import DatasetError, EncodingWidthError
from app.extras.exhaustive.kernels import AUTO
from app.extras.exhaustive.words import Words

# About 46,000 x 46,000 encodings: a second or so for the C kernel, some twenty for the numpy kernel,
# and little enough memory for its pairs.
BLOCK_PAIRS = 1 << 31


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of the comparison: records of one dataset with records of a later one.

    Attributes:
        number: position in the plan, from 0.
        left_dataset: index of the left dataset.
        right_dataset: index of the right dataset, above the left one's.
        left_start: first left record.
        left_stop: one past the last left record.
        right_start: first right record.
        right_stop: one past the last right record.
    """

    number: int
    left_dataset: int
    right_dataset: int
    left_start: int
    left_stop: int
    right_start: int
    right_stop: int

    @property
    def n_comparisons(self) -> int:
        """Number of pairs that the block compares."""
        return (self.left_stop - self.left_start) * (self.right_stop - self.right_start)


def plan_blocks(datasets: Sequence[Words], *, block_pairs: int) -> tuple[Block, ...]:
    """Return the blocks that together compare every pair of two files once, in a fixed order."""
    if not datasets or block_pairs < 1:
        raise DatasetError("a plan needs a dataset and at least one pair in a block")
    if len({words.shape[1] for words in datasets}) > 1:
        raise EncodingWidthError("all files of a run must have encodings of the same width")
    rectangles = (
        rectangle
        for left, right in combinations(range(len(datasets)), 2)
        for rectangle in _rectangles(datasets, left, right, block_pairs)
    )
    return tuple(Block(number, *rectangle) for number, rectangle in enumerate(rectangles))


def match_block(
    datasets: Sequence[Words],
    block: Block,
    threshold: Fraction,
    *,
    kernel: str = AUTO,
    max_pairs: int | None = None,
) -> Candidates:
    """Return the pairs of a block that reach the threshold, by record."""
    if not 0 <= block.left_dataset < block.right_dataset < len(datasets):
        raise DatasetError("the block names a dataset that is not there")
    pairs = dice_candidates(
        datasets[block.left_dataset][block.left_start : block.left_stop],
        datasets[block.right_dataset][block.right_start : block.right_stop],
        threshold,
        kernel=kernel,
        max_pairs=max_pairs,
    )
    return Candidates(
        pairs.left + np.uint32(block.left_start),
        pairs.right + np.uint32(block.right_start),
        pairs.common,
        pairs.total,
    )


def _rectangles(
    datasets: Sequence[Words], left: int, right: int, block_pairs: int
) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Yield the fields of a Block, without its number, for one pair of datasets."""
    n_left, n_right = len(datasets[left]), len(datasets[right])
    height = max(1, min(n_left, isqrt(block_pairs)))
    width = max(1, block_pairs // height)
    for row, row_stop in _even_ranges(n_left, height):
        for column, column_stop in _even_ranges(n_right, width):
            yield left, right, row, row_stop, column, column_stop


def _even_ranges(n: int, length: int) -> list[tuple[int, int]]:
    """Return ranges of at most about `length` of n records each, evenly filled."""
    n_ranges = -(-n // length)
    return list(pairwise(i * n // n_ranges for i in range(n_ranges + 1))) if n else []
