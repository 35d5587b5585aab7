"""Writes a container: head, table of handles, rows, in bounded memory; and reads rows of one that was kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.errors import WorkspaceError
from encoding.files import replacing
from schemas.documents.errors import ContainerError
from schemas.documents.ids import HANDLE_BYTES, Handle
from schemas.linkage.profile import TOKEN_BYTES
from schemas.linkage.row_layout import RECORD_NUMBER_BYTES, STORED_ROW_BYTES
from schemas.rounds.upload import (
    HANDLES_PER_PIECE,
    MAGIC,
    MAX_HEADER_BYTES,
    ROWS_PER_PIECE,
    ContainerHeader,
    Parts,
    merkle_root,
    parse_header,
    serialise_header,
)

_COPY_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a container on disk: how many rows it holds, and the root over its pieces."""

    path: Path
    rows: int
    root: str


@dataclass(frozen=True, slots=True)
class WrittenContainer:
    """A container on disk, with the digest of its head and its size."""

    path: Path
    header: ContainerHeader
    sha256: str
    size_bytes: int


def write_body(path: Path, handles: NDArray[np.uint8], rows: Iterable[NDArray[np.void]]) -> Body:
    """Write table and rows, and return the root over the pieces in which they will be sent."""
    digests: list[bytes] = []
    n_rows = 0
    with path.open("wb") as file:
        for start in range(0, len(handles), HANDLES_PER_PIECE):
            piece = handles[start : start + HANDLES_PER_PIECE].tobytes()
            digests.append(hashlib.sha256(piece).digest())
            file.write(piece)
        for piece in _pieces(rows):
            digests.append(hashlib.sha256(piece).digest())
            n_rows += len(piece) // STORED_ROW_BYTES
            file.write(piece)
    return Body(path, n_rows, merkle_root(digests))


def write_container(path: Path, header: ContainerHeader, body: Path) -> WrittenContainer:
    """Write head and body in place of the former container, durably."""
    head = serialise_header(header)
    size = len(head)
    with replacing(path) as file, body.open("rb") as source:
        file.write(head)
        while piece := source.read(_COPY_BYTES):
            size += file.write(piece)
    return WrittenContainer(path, header, hashlib.sha256(head).hexdigest(), size)


@dataclass(frozen=True, slots=True)
class KeptContainer:
    """A container that lies in the workspace: its head, and where its rows begin."""

    path: Path
    header: ContainerHeader
    head_bytes: int

    @property
    def parts(self) -> Parts:
        """How it is cut into parts."""
        return Parts(self.head_bytes, self.header.records, self.header.rows)

    def rows(self, places: Iterable[int]) -> Iterator[tuple[Handle, bytes]]:
        """Yield the handle of the record and the token of each of these rows; quickest in their order.

        Raises:
            WorkspaceError: there is no such row.
        """
        start = self.head_bytes + self.header.records * HANDLE_BYTES
        with self.path.open("rb") as file, self.path.open("rb", buffering=0) as table:
            for row in places:
                if not 0 <= row < self.header.rows:
                    raise WorkspaceError("a release names a row that this agency did not send")
                file.seek(start + row * STORED_ROW_BYTES)
                token = file.read(TOKEN_BYTES)
                number = int.from_bytes(file.read(RECORD_NUMBER_BYTES), "little")
                table.seek(self.head_bytes + number * HANDLE_BYTES)
                yield Handle(table.read(HANDLE_BYTES)), token


def read_container(path: Path) -> KeptContainer:
    """Read the head of a container of the workspace.

    Raises:
        WorkspaceError: it is missing or damaged.
    """
    try:
        with path.open("rb") as file:
            parsed = parse_header(file.read(len(MAGIC) + 4 + MAX_HEADER_BYTES))
    except (OSError, ContainerError) as exc:
        raise WorkspaceError(f"the container {path.name} is missing or damaged") from exc
    return KeptContainer(path, parsed.header, parsed.body_offset)


def _pieces(rows: Iterable[NDArray[np.void]]) -> Iterator[bytes]:
    """Cut rows into pieces of the agreed number, the last one shorter."""
    size = ROWS_PER_PIECE * STORED_ROW_BYTES
    rest = b""
    for some in rows:
        joined = rest + some.tobytes()
        whole = len(joined) - len(joined) % size
        for start in range(0, whole, size):
            yield joined[start : start + size]
        rest = joined[whole:]
    if rest:
        yield rest
