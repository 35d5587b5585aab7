"""The CSV twin of a page: what stands in its table, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Cell: TypeAlias = str | int | bool | None

MEDIA_TYPE: Final = "text/csv; charset=utf-8"
# A spreadsheet takes a cell that begins so for a formula, and would compute it.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and their rows; rows may be an iterator, which is then read once."""

    columns: tuple[str, ...]
    rows: Iterable[Sequence[Cell]]

    def to_csv(self) -> Iterator[bytes]:
        """Yield the table as CSV (RFC 4180, UTF-8), a line at a time; None is an empty cell."""
        yield _line(self.columns)
        for row in self.rows:
            yield _line([_plain(cell) for cell in row])


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return cell


def _line(cells: Sequence[Cell]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue().encode("utf-8")
