"""Rows as the broker holds them while it compares: arrays of 84 bytes a row, sorted by token."""

from __future__ import annotations

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
