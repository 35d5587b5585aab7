"""Which rows are in which blocks, and which pairs share one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive import Block, Candidates

# As an upload seals them: a row, and the number of a block that it is in.
FORM = np.dtype([("row", "<u4"), ("block", "<u8")])
# Looked at in one go, as many for each pair as its left row may have blocks: bounds the memory.
_CHUNK_BLOCKS = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Memberships:
    """The blocks of one file's rows.

    Attributes:
        start: int64, shape (n_rows + 1,); the blocks of row i stand from start[i] to start[i + 1].
        block: uint32, numbers that all files of a run share.
        key: uint64, row << 32 | block, increasing.
    """

    start: NDArray[np.int64]
    block: NDArray[np.uint32]
    key: NDArray[np.uint64]


def number_blocks(
    files: Sequence[NDArray[np.void]], n_rows: Sequence[int]
) -> tuple[Memberships, ...]:
    """Return the memberships of each file, whose rows of `FORM` may repeat and come in any order."""
    known = np.unique(np.concatenate([file["block"] for file in files]))
    return tuple(_memberships(file, known, n) for file, n in zip(files, n_rows, strict=True))


def sharing_a_block(
    files: Sequence[Memberships],
    block: Block,
    pairs: Candidates,
    watch: Callable[[], None] = lambda: None,
) -> Candidates:
    """Return the pairs whose two rows are both in some block; what `watch` raises, now and then, ends it."""
    left, right = files[block.left_dataset], files[block.right_dataset]
    is_shared = np.zeros(len(pairs), dtype=bool)
    step = max(1, _CHUNK_BLOCKS // int(np.diff(left.start).max(initial=1)))
    for start in range(0, len(pairs), step):
        watch()
        chunk = slice(start, start + step)
        is_shared[chunk] = _share(left, right, pairs.left[chunk], pairs.right[chunk])
    return pairs.take(is_shared)


def _memberships(file: NDArray[np.void], known: NDArray[np.uint64], n_rows: int) -> Memberships:
    number = np.searchsorted(known, file["block"]).astype(np.uint64)
    key = np.unique(file["row"].astype(np.uint64) << np.uint64(32) | number)
    row = (key >> np.uint64(32)).astype(np.int64)
    start = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=n_rows))))
    return Memberships(start, (key & np.uint64(0xFFFFFFFF)).astype(np.uint32), key)


def _share(
    left: Memberships, right: Memberships, x: NDArray[np.uint32], y: NDArray[np.uint32]
) -> NDArray[np.bool_]:
    """Return for each pair of rows whether one of the blocks of the left one is one of the right one's."""
    n_blocks = left.start[x + 1] - left.start[x]
    pair = np.repeat(np.arange(len(x)), n_blocks)
    # The place of each block among those of its row.
    place = np.arange(len(pair)) - np.repeat(np.cumsum(n_blocks) - n_blocks, n_blocks)
    block = left.block[left.start[x[pair]] + place]
    wanted = y[pair].astype(np.uint64) << np.uint64(32) | block
    at = np.minimum(np.searchsorted(right.key, wanted), max(0, len(right.key) - 1))
    is_shared = np.zeros(len(x), dtype=bool)
    if len(right.key):
        is_shared[pair[right.key[at] == wanted]] = True
    return is_shared
