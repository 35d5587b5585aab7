"""A file read once for many uses, as in a hub's night: its rows, and what was made of them, in memory only.

Within `reading_once`, anyone who opens a file of records is given what was read before. Where it was not read
yet,
`FileWanted` ends what was begun; anyone who holds the readings reads the file and begins again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from encoding.errors import EmptyFileError
from encoding.records.table import Chunk, Kept, Table, named_columns

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Reading:
    """Which file is read, and how; `sheet` is null for the first sheet of a workbook."""

    path: Path
    encoding: str
    delimiter: str
    sheet: str | None


class FileWanted(BaseException):
    """A file is needed that was not read yet.

    Not an `Exception`, as an interruption is none: nothing on the way may take it for a fault of the file.
    """

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.reading = reading


class KeptTable(Table):
    """A file's rows in memory, with what was made of them; it can go to another process."""

    def __init__(
        self, path: Path, cells: Mapping[str, list[str]], header: Sequence[str] | None = None
    ) -> None:
        self.path = path
        self.columns = named_columns(path, [*cells] if header is None else header)
        self.kept = Kept(cells)

    @classmethod
    def read(cls, table: Table, told: Callable[[Chunk, int], None] = lambda *_: None) -> Self:
        """Read a whole file; `told` is called after each chunk, with the number of rows so far."""
        cells: dict[str, list[str]] = {name: [] for name in table.columns}
        # Names and dates occur again and again: each is held once.
        same: dict[str, str] = {}
        for chunk in table.chunks():
            for name, column in cells.items():
                column.extend(map(same.setdefault, *[chunk.columns[name]] * 2))
            told(chunk, chunk.first_row + chunk.n_rows - 1)
        return cls(table.path, cells)

    def chunks(self, n_rows: int = 10_000) -> Iterator[Chunk]:
        """Yield the rows in order, about `n_rows` at a time."""
        n_all = self.kept.n_rows
        for start in range(0, n_all, n_rows):
            rows = range(start, min(start + n_rows, n_all))
            columns = {name: self.kept.cells[name][start : rows.stop] for name in self.columns}
            yield Chunk(start + 1, columns, rows.stop / n_all, kept=self.kept, rows=rows)

    def _read_header(self) -> list[str]:
        return list(self.columns)

    def _read_columns(self, n_rows: int) -> Iterator[tuple[dict[str, list[str]], float]]:
        for chunk in self.chunks(n_rows):
            yield dict(chunk.columns), chunk.share


class OnlyTable(Table):
    """The rows of a table that have one of some values in a column; rows are numbered anew, from 1."""

    def __init__(self, table: Table, column: str, values: frozenset[str]) -> None:
        self.path = table.path
        self.columns = table.columns
        self._table, self._column, self._values = table, column, values
        # So that a column that is not there is told at once.
        table.select([column])

    def chunks(self, n_rows: int = 10_000) -> Iterator[Chunk]:
        """Yield the rows in order; chunks are as large as what is left of the table's own.

        Raises:
            EmptyFileError: no row has one of the values.
        """
        first_row = 1
        for chunk in self._table.select([*self.columns, self._column]).chunks(n_rows):
            here = [at for at, c in enumerate(chunk.columns[self._column]) if c in self._values]
            if here:
                yield _picked(chunk, self.columns, here, first_row)
                first_row += len(here)
        if first_row == 1:
            raise EmptyFileError(
                f"{self.path} has no row with one of the values that the settings name",
                hint=f"look at only, in the section [input]: the column {self._column}",
            )

    def _read_header(self) -> list[str]:
        return list(self.columns)

    def _read_columns(self, n_rows: int) -> Iterator[tuple[dict[str, list[str]], float]]:
        for chunk in self.chunks(n_rows):
            yield dict(chunk.columns), chunk.share


def _picked(chunk: Chunk, columns: Sequence[str], here: Sequence[int], first_row: int) -> Chunk:
    cells = {name: [chunk.columns[name][at] for at in here] for name in columns}
    return Chunk(
        first_row,
        cells,
        chunk.share,
        told=[chunk.first_row + at for at in here],
        kept=chunk.kept,
        rows=() if chunk.kept is None else [chunk.rows[at] for at in here],
    )


@dataclass(slots=True, repr=False)
class Readings:
    """The files that were read, and what was made of them: of each thing once.

    Files that are `unreadable` are opened by the person who needs them, and so told about by each.
    """

    tables: dict[Reading, KeptTable] = field(default_factory=dict)
    unreadable: set[Reading] = field(default_factory=set)
    made: dict[Hashable, Any] = field(default_factory=dict)

    def table(self, reading: Reading) -> KeptTable:
        """Return what was read; raises `FileWanted` where nothing was."""
        found = self.tables.get(reading)
        if found is None:
            raise FileWanted(reading)
        return found


_READINGS: ContextVar[Readings | None] = ContextVar("readings", default=None)


def readings_now() -> Readings | None:
    """Return what is read once here; None: every reading opens its file."""
    return _READINGS.get()


@contextmanager
def reading_once(readings: Readings) -> Iterator[None]:
    """Let all readings within the block be those."""
    token = _READINGS.set(readings)
    try:
        yield
    finally:
        _READINGS.reset(token)


def made_once(name: str, about: Mapping[str, Hashable], make: Callable[[], _Made]) -> _Made:
    """Return what is made of a file, made once where the file is read once.

    Args:
        name: what it is.
        about: all that it hangs on.
        make: makes it.
    """
    readings = readings_now()
    if readings is None:
        return make()
    key = (name, *sorted(about.items()))
    if key not in readings.made:
        readings.made[key] = make()
    return cast(_Made, readings.made[key])
