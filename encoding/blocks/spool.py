"""Bucket files: lines come in any order and are read back bucket by bucket, in bounded memory.

A line's bucket follows from the first bits of its first field, so that buckets one after the other hold all
lines in the order of that field, and each can be sorted in memory. Several buckets share a file: a process
may open as few as 256 files on some systems.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

# A bucket of this size is sorted within about four times as much memory.
BUCKET_BYTES: Final = 16 * 1024 * 1024
MAX_BUCKET_BITS: Final = 12
# 16 files, each gone once its buckets were read.
FILE_BITS: Final = 4
# What is kept in memory before it is written, so that a bucket is not scattered over its file in tiny pieces.
HELD_BYTES: Final = 8 * 1024 * 1024

Lines = NDArray[np.void]


class Spool:
    """Takes lines of one dtype, whose first field is an array of two bytes or more."""

    def __init__(self, folder: Path, name: str, dtype: np.dtype[Any], n_expected: int) -> None:
        self.dtype = dtype
        self._first = (dtype.names or ("",))[0]
        wanted = max(1, -(-n_expected * dtype.itemsize // BUCKET_BYTES))
        self._bits = min(MAX_BUCKET_BITS, (wanted - 1).bit_length())
        self._file_shift = max(0, self._bits - FILE_BITS)
        self._paths = [
            folder / f"{name}-{number}" for number in range(self.n_buckets >> self._file_shift)
        ]
        self._files: list[IO[bytes]] = []
        # Where each piece of a bucket begins in its file, and how many lines it has.
        self._pieces = [array("q") for _ in range(self.n_buckets)]
        self._held: list[Lines] = []
        self._held_bytes = 0

    def add(self, lines: Lines) -> None:
        """Take some lines."""
        self._held.append(lines)
        self._held_bytes += lines.nbytes
        if self._held_bytes >= HELD_BYTES:
            self._write()

    @property
    def n_buckets(self) -> int:
        """How many buckets there are."""
        return 1 << self._bits

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def buckets(self) -> Iterator[Lines]:
        """Yield the lines of each bucket, in no order within it; nothing can be added from here on."""
        self._write()
        for bucket in range(self.n_buckets):
            yield self._read(bucket)
            if (bucket + 1) % (1 << self._file_shift) == 0:
                self._remove(bucket >> self._file_shift)

    def _write(self) -> None:
        if not self._held:
            return
        if not self._files:
            self._files = [_opened_for_owner(path) for path in self._paths]
        lines = np.concatenate(self._held)
        self._held, self._held_bytes = [], 0
        first = lines[self._first]
        bucket = (first[:, 0].astype(np.uint16) << 8 | first[:, 1]) >> (16 - self._bits)
        ordered = lines[np.argsort(bucket, kind="stable")]
        ends = np.cumsum(np.bincount(bucket, minlength=self.n_buckets)).tolist()
        for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if end > start:
                file = self._files[number >> self._file_shift]
                self._pieces[number].extend((file.tell(), end - start))
                file.write(ordered[start:end].tobytes())

    def _read(self, bucket: int) -> Lines:
        pieces = self._pieces[bucket]
        lines = np.empty(sum(pieces[1::2]), dtype=self.dtype)
        at = 0
        for offset, n in zip(pieces[::2], pieces[1::2], strict=True):
            file = self._files[bucket >> self._file_shift]
            file.seek(offset)
            raw = file.read(n * self.dtype.itemsize)
            lines[at : at + n] = np.frombuffer(raw, dtype=self.dtype)
            at += n
        return lines

    def _remove(self, number: int) -> None:
        # Closed first: Windows removes no file that is open.
        if self._files:
            self._files[number].close()
            self._paths[number].unlink()


def _opened_for_owner(path: Path) -> IO[bytes]:
    return open(path, "w+b", opener=lambda name, flags: os.open(name, flags, 0o600))
