"""Reads whole containers from files, for the commands that compare them without a broker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive import Dataset, pack_words
from schemas.errors import ContainerError
from schemas.ids import HANDLE_BYTES
from schemas.upload import MAGIC, MAX_HEADER_BYTES, ContainerHeader, parse_header


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ContainerFile:
    """A container in memory: `handles` uint8 of shape (n_records, 16), in the order of the records."""

    header: ContainerHeader
    handles: NDArray[np.uint8]
    dataset: Dataset


def read_container(path: Path) -> ContainerFile:
    """Read a container.

    Raises:
        ContainerError: it is not a container, or its rows are not those that its header states.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        parsed = parse_header(file.read(len(MAGIC) + 4 + MAX_HEADER_BYTES))
        file.seek(parsed.body_offset)
        body = np.frombuffer(file.read(), dtype=np.uint8)
    header = parsed.header
    if len(body) != header.encodings * header.record_bytes:
        raise ContainerError("the container's length differs from what its header states")
    rows = body.reshape(header.encodings, header.record_bytes)
    is_first = rows[:, HANDLE_BYTES] == 0
    if np.count_nonzero(is_first) != header.records or not is_first[0]:
        raise ContainerError("the container's records differ from what its header states")
    record = (np.cumsum(is_first) - 1).astype(np.uint32)
    words = pack_words(np.ascontiguousarray(rows[:, HANDLE_BYTES + 1 :]))
    return ContainerFile(
        header, rows[is_first, :HANDLE_BYTES], Dataset(words, record, header.records)
    )
