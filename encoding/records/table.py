"""What a file of records looks like, whatever its kind: named columns of text.

Rows are numbered from 1; the header is not counted. Cells have no white space around them, as clkhash
reads them. A cell without content is the empty text. Blank rows at the end are not rows; a blank row
before that is a row of empty cells, so that the numbers stay those of the file.
"""

from __future__ import annotations

import copy
import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, Self

from encoding.errors import (
    DuplicateHeaderError,
    EmptyFileError,
    FileChangedError,
    FileMissingError,
    FileUnreadableError,
    InputError,
    MissingColumnError,
    RaggedRowError,
)

# Few enough for the cells of one transposition to stay in a processor's cache: 2,000 take 4 tenths longer.
_ROWS_AT_A_TIME = 500
# A blank row counts as one; this many in a row is a damaged file, not a list of people.
_MAX_BLANK_ROWS = 1_000_000


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """A whole file in memory: the cells of each column, and what was derived of them, by how."""

    cells: Mapping[str, list[str]]
    derived: dict[Hashable, Any] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """How many rows the file has."""
        return len(next(iter(self.cells.values()), []))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a table.

    Attributes:
        first_row: number of the first row; the first data row of the file is 1.
        columns: the cells of each selected column, all of one length.
        share: how much of the file has been read, from 0 to 1, to show progress.
        told: by which numbers people know the rows, where rows of the file are left out; None: those from
            `first_row` on.
        kept: the file in memory, where it is read once; None: it is read anew each time.
        rows: where in that the rows stand, increasing, from 0.
    """

    first_row: int
    columns: Mapping[str, list[str]]
    share: float
    told: Sequence[int] | None = None
    kept: Kept | None = None
    rows: Sequence[int] = ()

    def row_told(self, row: int) -> int:
        """Return the number by which people know a row of the chunk."""
        return row if self.told is None else self.told[row - self.first_row]

    @property
    def n_rows(self) -> int:
        """How many rows the chunk has."""
        return len(next(iter(self.columns.values()), []))


class Table(ABC):
    """A file of records that can be read more than once.

    Attributes:
        path: the file.
        columns: the selected columns, in the order they were asked for; at first all that have a name.
    """

    columns: tuple[str, ...] = ()
    _header: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity = file_identity(path)
        header = self._read_header()
        if not any(header):
            _refuse_blank_header(path, n_bytes=self._identity[1])
        self._header = tuple(header)
        self.columns = named_columns(path, header)

    def select(self, columns: Sequence[str]) -> Self:
        """Return the same table restricted to `columns`.

        Raises:
            MissingColumnError: one of them is not in the file. The names that are there are not told: in a
                file without a header they would be someone's.
        """
        for name in columns:
            if name not in self.columns:
                raise MissingColumnError(
                    f"{self.path} has no column {name}",
                    hint="write column names exactly as in the first row of the file",
                )
        table = copy.copy(self)
        table.columns = tuple(dict.fromkeys(columns))
        return table

    def misread(self) -> InputError | None:
        """Return what looks wrong with how the file is read, by its first row; None if nothing does."""
        return None

    def chunks(self, n_rows: int = 10_000) -> Iterator[Chunk]:
        """Yield the rows in order, about `n_rows` at a time; each call opens the file anew.

        Raises:
            EmptyFileError: the file has no rows.
            FileChangedError: it is not, or not any more, the file whose header was read.
            InputError: a row cannot be read; see the tree of encoding.errors.
        """
        self._check_unchanged()
        first_row = 1
        for columns, share in self._read_columns(n_rows):
            chunk = Chunk(first_row, columns, share)
            first_row += chunk.n_rows
            yield chunk
        self._check_unchanged()
        if first_row == 1:
            raise EmptyFileError(f"{self.path} has a header and no rows")

    @abstractmethod
    def _read_header(self) -> list[str]:
        """Return the names in the first row, without white space around them."""

    @abstractmethod
    def _read_columns(self, n_rows: int) -> Iterator[tuple[dict[str, list[str]], float]]:
        """Yield the selected columns of about `n_rows` rows, and the share of the file that was read."""

    def _places(self) -> dict[str, int]:
        """Return where each selected column stands in a row."""
        return {name: self._header.index(name) for name in self.columns}

    def _check_unchanged(self) -> None:
        if file_identity(self.path) != self._identity:
            raise FileChangedError(
                f"{self.path} changed while it was read",
                hint="close it in other programs, and repeat the command",
            )


def _refuse_blank_header(path: Path, *, n_bytes: int) -> NoReturn:
    if not n_bytes:
        raise EmptyFileError(f"{path} is empty: it has no header row")
    raise EmptyFileError(
        f"the first row of {path} is blank, so no column has a name",
        hint="the first row must be the header: remove the blank ones above it",
    )


def file_identity(path: Path) -> tuple[int, int, int]:
    """Return what changes when a file is written again: inode, size and time."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise FileMissingError(f"there is no file {path}") from None
    except (OSError, ValueError):
        raise FileUnreadableError(f"{path} cannot be read") from None
    return found.st_ino, found.st_size, found.st_mtime_ns


def named_columns(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns that have one."""
    place_of: dict[str, int] = {}
    for place, name in enumerate(header, start=1):
        if name in place_of:
            raise DuplicateHeaderError(
                f"columns {place_of[name]} and {place} of {path} have the same name"
            )
        if name:
            place_of[name] = place
    return tuple(place_of)


def column_chunks(
    rows: Iterable[Sequence[str]], n_rows: int, *, width: int, places: Mapping[str, int]
) -> Iterator[dict[str, list[str]]]:
    """Yield the columns of about `n_rows` rows at a time, without the blank rows at the end of all."""
    source = iter(rows)
    first_row, n_blank = 1, 0
    columns: dict[str, list[str]] = {name: [] for name in places}
    n_here = 0
    while some := list(islice(source, min(_ROWS_AT_A_TIME, n_rows - n_here))):
        kept = _without_blank_end(some)
        if kept:
            cells = _cells(kept, width, places, first_row + n_here + n_blank)
            for name, column in columns.items():
                column.extend([""] * n_blank)
                column.extend(cells[name])
            n_here += n_blank + len(kept)
            n_blank = 0
        n_blank += len(some) - len(kept)
        if n_blank > _MAX_BLANK_ROWS:
            raise EmptyFileError(f"the file has more than {_MAX_BLANK_ROWS} blank rows in a row")
        if n_here >= n_rows:
            yield columns
            first_row, n_here = first_row + n_here, 0
            columns = {name: [] for name in places}
    if n_here:
        yield columns


def _without_blank_end(rows: list[Sequence[str]]) -> list[Sequence[str]]:
    n_kept = len(rows)
    while n_kept and not any(rows[n_kept - 1]):
        n_kept -= 1
    return rows[:n_kept]


def _cells(
    rows: Sequence[Sequence[str]], width: int, places: Mapping[str, int], first_row: int
) -> dict[str, list[str]]:
    if set(map(len, rows)) != {width}:
        rows = [row or ("",) * width for row in rows]
        _check_widths(rows, width, first_row)
    by_place = list(zip(*rows, strict=True))
    return {name: list(map(str.strip, by_place[place])) for name, place in places.items()}


def _check_widths(rows: Sequence[Sequence[str]], width: int, first_row: int) -> None:
    for number, row in enumerate(rows, start=first_row):
        if len(row) != width:
            raise RaggedRowError(f"row {number} has {len(row)} cells where the header has {width}")


def lacking(
    elements: Sequence[str], columns: Mapping[str, str], available: Collection[str]
) -> list[str]:
    """Return what a file would call those of the elements that it lacks."""
    headers = (columns.get(name, name) for name in elements)
    return [header for header in headers if header not in available]
