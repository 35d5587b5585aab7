"""Rows as the broker holds them, 84 bytes a row, sorted by token; and where rows of two files meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.errors import PartError
from schemas.linkage.profile import ROW_BYTES, TOKEN_BYTES

ROW: Final = np.dtype(
    [("token", "u1", (TOKEN_BYTES,)), ("record", "<u4"), ("sealed", "u1", (ROW_BYTES,))]
)

Rows = NDArray[np.void]
"""Rows of one container, dtype `ROW`, shape (n,)."""


def read_rows(stored: bytes | bytearray | memoryview) -> Rows:
    """Return the rows in some bytes, without copying them.

    Raises:
        PartError: they are not whole rows.
    """
    if memoryview(stored).nbytes % ROW.itemsize:
        raise PartError("a stored part does not hold whole rows")
    return np.frombuffer(stored, dtype=ROW)


def token_heads(rows: Rows) -> NDArray[np.uint64]:
    """Return the first 8 bytes of each token as a number, in which the order of tokens is kept."""
    heads: NDArray[Any] = np.ascontiguousarray(rows["token"][:, :8]).view(">u8").reshape(-1)
    return heads.astype(np.uint64)


def token_texts(rows: Rows) -> NDArray[np.bytes_]:
    """Return the tokens as fixed-width bytes, which compare as their bytes do."""
    return np.ascontiguousarray(rows["token"]).view(f"S{TOKEN_BYTES}").reshape(-1)


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
