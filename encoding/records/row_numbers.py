"""Files without record IDs: the number of a row stands for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from encoding.records.agency_file import AgencyFile
from encoding.records.table import Chunk, Table

ROW_NUMBER: Final = "\0row number"
"""The name of the column of row numbers, from 1: one that no file's column has."""


@dataclass(frozen=True, slots=True)
class UnnumberedFile(AgencyFile):
    """A file without a column of record IDs."""

    id_column: str = ROW_NUMBER

    def open(self) -> Table:
        """Open the file, with row numbers for record IDs."""
        return _NumberedTable(self.table())


class _NumberedTable(Table):
    """A table with one column more, which numbers its rows."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.path: Path = table.path
        self.columns = (ROW_NUMBER, *table.columns)

    def select(self, columns: Sequence[str]) -> Self:
        return type(self)(self._table.select([one for one in columns if one != ROW_NUMBER]))

    def chunks(self, n_rows: int = 10_000) -> Iterator[Chunk]:
        for chunk in self._table.chunks(n_rows):
            numbers = [str(chunk.first_row + at) for at in range(chunk.n_rows)]
            yield replace(chunk, columns={ROW_NUMBER: numbers, **chunk.columns})

    def _read_header(self) -> list[str]:
        return list(self.columns)

    def _read_columns(self, n_rows: int) -> Iterator[tuple[dict[str, list[str]], float]]:
        return ((dict(chunk.columns), chunk.share) for chunk in self.chunks(n_rows))
