"""Writes the container: every encoding at its place in the order of handles, in bounded memory.

Encodings come in the order of the agency's file. They are spread over bucket files by the first bits of
their handles, so that each bucket can be sorted in memory; the buckets one after the other are the whole
in order. Nothing of the file's order is left: the same rows in another order give the same container.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from encoding.files import replacing
from schemas.ids import HANDLE_BYTES
from schemas.upload import ContainerHeader, serialise_header

# A bucket of this size is sorted within about four times as much memory.
BUCKET_BYTES: Final = 32 * 1024 * 1024
# 256 files: within what every system lets one process open.
MAX_BUCKET_BITS: Final = 8
COPY_BYTES: Final = 4 * 1024 * 1024

Bytes = NDArray[np.uint8]


def _opened_for_owner(path: Path) -> IO[bytes]:
    return open(path, "w+b", opener=lambda name, flags: os.open(name, flags, 0o600))


class Ordered(NamedTuple):
    """Encodings in increasing order of (handle, variant), as the container holds them.

    What a record has beyond the variants that the agreement allows is left out: `n_dropped` counts the
    encodings that the recipe made as variants, `surplus_rows` numbers the rows that were meant themselves.
    """

    handles: Bytes
    variants: Bytes
    encodings: Bytes
    n_dropped: int
    surplus_rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BodyCounts:
    """What the body of a container holds; `n_dropped` and `surplus_rows` as in `Ordered`, of all of it."""

    records: int
    encodings: int
    n_dropped: int
    surplus_rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WrittenContainer:
    """A container on disk."""

    path: Path
    header: ContainerHeader
    sha256: str
    size_bytes: int


class Spool:
    """Takes encodings in any order and gives them back in the container's; a context manager.

    Args:
        folder: an empty folder for the bucket files.
        encoding_bytes: length of an encoding.
        n_expected: about how many encodings will come.
    """

    def __init__(self, folder: Path, encoding_bytes: int, n_expected: int) -> None:
        # Handle, encoding, ordinal, row: comparing the bytes of a line compares these in this order.
        self._line = np.dtype(
            [
                ("handle", "u1", (HANDLE_BYTES,)),
                ("encoding", "u1", (encoding_bytes,)),
                ("ordinal", "u1"),
                ("row", ">i8"),
            ]
        )
        wanted = max(1, -(-n_expected * self._line.itemsize // BUCKET_BYTES))
        self._bucket_bits = min(MAX_BUCKET_BITS, (wanted - 1).bit_length())
        self._files = contextlib.ExitStack()
        self._buckets: list[IO[bytes]] = [
            self._files.enter_context(_opened_for_owner(folder / f"bucket-{number}"))
            for number in range(1 << self._bucket_bits)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()

    def add(
        self, handles: Bytes, ordinals: Bytes, rows: NDArray[np.int64], encodings: Bytes
    ) -> None:
        """Take some encodings, one a row of each array."""
        lines = np.empty(len(handles), dtype=self._line)
        lines["handle"], lines["ordinal"] = handles, ordinals
        lines["row"], lines["encoding"] = rows, encodings
        bucket = handles[:, 0] >> (8 - self._bucket_bits)
        order = np.argsort(bucket, kind="stable")
        ends = np.cumsum(np.bincount(bucket, minlength=len(self._buckets)))
        for file, part in zip(self._buckets, np.split(lines[order], ends[:-1]), strict=True):
            file.write(part.tobytes())

    def in_order(self, max_variants: int) -> Iterator[Ordered]:
        """Yield everything in the container's order, identical encodings of a record once.

        A record with more encodings than `max_variants` keeps its rows before the variants made of them.
        """
        for file in self._buckets:
            file.flush()
            file.seek(0)
            lines = np.frombuffer(file.read(), dtype=self._line)
            yield _number(_distinct(lines), max_variants)


def write_body(spool: Spool, path: Path, max_variants: int) -> BodyCounts:
    """Write the records of a container without its head, and return what they are."""
    records = encodings = n_dropped = 0
    surplus: list[int] = []
    with path.open("wb") as file:
        for part in spool.in_order(max_variants):
            rows = np.column_stack([part.handles, part.variants, part.encodings])
            file.write(rows.tobytes())
            encodings += len(rows)
            records += int((part.variants == 0).sum())
            n_dropped += part.n_dropped
            surplus.extend(part.surplus_rows.tolist())
    return BodyCounts(records, encodings, n_dropped, tuple(sorted(set(surplus))))


def write_container(path: Path, header: ContainerHeader, body: Path) -> WrittenContainer:
    """Write head and body in place of the former container, and return its digest and size."""
    digest = hashlib.sha256()
    size = 0
    with replacing(path) as file, body.open("rb") as source:
        piece = serialise_header(header)
        while piece:
            digest.update(piece)
            size += file.write(piece)
            piece = source.read(COPY_BYTES)
    return WrittenContainer(path, header, digest.hexdigest(), size)


def _distinct(lines: NDArray[np.void]) -> NDArray[np.void]:
    """Return the lines in order, of equal encodings of a record the one with the lowest ordinal."""
    lines = lines[np.argsort(_as_text(lines), kind="stable")]
    first = np.ones(len(lines), dtype=bool)
    first[1:] = (_bytes_differ(lines["handle"])) | _bytes_differ(lines["encoding"])
    return lines[first]


def _number(lines: NDArray[np.void], max_variants: int) -> Ordered:
    starts = np.flatnonzero(np.concatenate([[True], _bytes_differ(lines["handle"])])[: len(lines)])
    lengths = np.diff(starts, append=len(lines))
    kept = np.ones(len(lines), dtype=bool)
    for group in np.flatnonzero(lengths > max_variants).tolist():
        start, end = starts[group], starts[group] + lengths[group]
        # Stable, so that among equals the order of the encodings decides, which no file order changes.
        preference = np.argsort(lines["ordinal"][start:end], kind="stable")
        kept[start + preference[max_variants:]] = False
    left_out = lines[~kept]
    meant = left_out["ordinal"] == 0
    return Ordered(
        handles=lines["handle"][kept],
        variants=_count_up(np.minimum(lengths, max_variants)),
        encodings=lines["encoding"][kept],
        n_dropped=int((~meant).sum()),
        surplus_rows=left_out["row"][meant].astype(np.int64),
    )


def _count_up(lengths: NDArray[np.int64]) -> Bytes:
    """Return 0, 1, 2, ... for each length, one after the other."""
    starts = np.cumsum(lengths) - lengths
    return (np.arange(lengths.sum()) - np.repeat(starts, lengths)).astype(np.uint8)


def _bytes_differ(rows: Bytes) -> NDArray[np.bool_]:
    """Tell of each row but the first whether it differs from the one before."""
    differs: NDArray[np.bool_] = (rows[1:] != rows[:-1]).any(axis=1)
    return differs


def _as_text(lines: NDArray[np.void]) -> NDArray[np.bytes_]:
    # Texts of one length compare as their bytes do; a structured array would compare field by field, slowly.
    return np.frombuffer(lines.tobytes(), dtype=f"S{lines.dtype.itemsize}")
