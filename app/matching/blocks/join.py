"""Rows of two files that share a token: a merge join of sorted rows, one range of tokens at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.rows import Rows, token_heads, token_texts


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Meetings:
    """Pairs of rows that share a token, by their places in the two arrays; in order of the smaller's."""

    smaller: NDArray[np.int64]
    larger: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.smaller)


def join_rows(smaller: Rows, larger: Rows) -> Meetings:
    """Return where a row of the smaller file has the token of one of the larger.

    Both are sorted by token. No two rows of the larger file share a token (the broker has refused others),
    so that there are never more meetings than rows of the smaller file, whatever a file holds.
    """
    heads, wanted = token_heads(larger), token_heads(smaller)
    first = np.searchsorted(heads, wanted, side="left")
    last = np.searchsorted(heads, wanted, side="right")
    at: NDArray[Any] = np.where(last > first, first, -1).astype(np.int64)
    # Honest tokens share their first 8 bytes once in 2^64 pairs; made-up ones may do so everywhere.
    crowded = np.flatnonzero(last - first > 1)
    if len(crowded):
        texts = token_texts(larger)
        exact = np.searchsorted(texts, token_texts(smaller[crowded]))
        at[crowded] = np.minimum(exact, len(larger) - 1)
    met = np.flatnonzero(at >= 0)
    same = (smaller["token"][met] == larger["token"][at[met]]).all(axis=1)
    return Meetings(met[same], at[met[same]])
