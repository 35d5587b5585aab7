"""Bucket files: lines come in any order and are read back bucket by bucket, in bounded memory.

A line's bucket follows from the first bits of its first field, so that buckets one after the other hold all
lines in the order of that field, and each can be sorted in memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

# A bucket of this size is sorted within about four times as much memory.
BUCKET_BYTES: Final = 24 * 1024 * 1024
# 256 files: within what every system lets one process open.
MAX_BUCKET_BITS: Final = 8

Lines = NDArray[np.void]


class Spool:
    """Takes lines of one dtype, whose first field is an array of bytes; a context manager.

    Args:
        folder: where the bucket files lie; they are removed as they are read.
        name: what the files are called.
        dtype: of a line.
        n_expected: about how many lines will come.
    """

    def __init__(self, folder: Path, name: str, dtype: np.dtype[Any], n_expected: int) -> None:
        self.dtype = dtype
        self._first = (dtype.names or ("",))[0]
        wanted = max(1, -(-n_expected * dtype.itemsize // BUCKET_BYTES))
        self._bits = min(MAX_BUCKET_BITS, (wanted - 1).bit_length())
        self._paths = [folder / f"{name}-{number}" for number in range(1 << self._bits)]
        self._files: list[IO[bytes]] = []

    def __enter__(self) -> Self:
        self._files = [_opened_for_owner(path) for path in self._paths]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, lines: Lines) -> None:
        """Take some lines."""
        if not self._bits:
            self._files[0].write(lines.tobytes())
            return
        bucket = lines[self._first][:, 0] >> (8 - self._bits)
        order = np.argsort(bucket, kind="stable")
        ends = np.cumsum(np.bincount(bucket, minlength=len(self._files)))
        ordered = lines[order]
        for file, start, end in zip(
            self._files, ends - np.diff(ends, prepend=0), ends, strict=True
        ):
            if end > start:
                file.write(ordered[start:end].tobytes())

    @property
    def n_buckets(self) -> int:
        """How many buckets there are."""
        return len(self._paths)

    def close(self) -> None:
        """Close the files; lines can be read from here on, and no more added."""
        for file in self._files:
            file.close()

    def buckets(self) -> Iterator[Lines]:
        """Yield the lines of each bucket, in no order within it; each file is gone once it was read."""
        for path in self._paths:
            lines = np.fromfile(path, dtype=self.dtype)
            path.unlink()
            yield lines


def _opened_for_owner(path: Path) -> IO[bytes]:
    return open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600))
