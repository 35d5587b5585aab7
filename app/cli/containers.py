"""Reads whole containers from files, for the command that compares two of them without a broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.checks import RowCheck
from app.matching.blocks.rows import Rows, read_rows
from schemas.errors import ContainerError
from schemas.ids import HANDLE_BYTES
from schemas.profile import EncodingProfile
from schemas.upload import MAGIC, MAX_HEADER_BYTES, ContainerHeader, parse_header


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ContainerFile:
    """A container in memory, as one part; see `app.matching.blocks.ranges.StoredRows`.

    `handles` is uint8 of shape (n_records, 16), in the order of the records.
    """

    header: ContainerHeader
    handles: NDArray[np.uint8]
    rows: Rows

    @property
    def first_tokens(self) -> Sequence[bytes]:
        """The first token of the one part; no part where there are no rows."""
        return [token.tobytes() for token in self.rows["token"][:1]]

    @property
    def n_rows(self) -> Sequence[int]:
        """How many rows the one part has."""
        return [len(self.rows)] if len(self.rows) else []

    def part(self, number: int) -> Rows:
        """Return the rows."""
        del number
        return self.rows


def read_container(path: Path, profile: EncodingProfile) -> ContainerFile:
    """Read a container of this profile.

    Raises:
        ContainerError: it is not a container, of another profile, or not as long as its header states.
        RowMatchingError: its rows are not those of a container.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        parsed = parse_header(file.read(len(MAGIC) + 4 + MAX_HEADER_BYTES))
        file.seek(parsed.body_offset)
        body = file.read()
    header = parsed.header
    if header.profile != profile.digest():
        raise ContainerError("the container was made with another encoding profile")
    if len(body) != header.container_bytes() - parsed.body_offset:
        raise ContainerError("the container's length differs from what its header states")
    table = header.records * HANDLE_BYTES
    handles = np.frombuffer(body, dtype=np.uint8, count=table).reshape(-1, HANDLE_BYTES)
    rows = read_rows(memoryview(body)[table:])
    check = RowCheck(profile, header.side, header.records)
    check.add(rows)
    check.finish()
    return ContainerFile(header, handles, rows)
