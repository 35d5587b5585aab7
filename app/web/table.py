"""The CSV twin of a page: what stands in its table, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from schemas.documents.canonical import canonical_bytes
from schemas.documents.document import Document, Model
from schemas.documents.printable import inert

Cell: TypeAlias = str | int | bool | None

MEDIA_TYPE: Final = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and their rows; rows may be an iterator, which is then read once."""

    columns: tuple[str, ...]
    rows: Iterable[Sequence[Cell]]

    @classmethod
    def of(cls, columns: tuple[str, ...], parts: Iterable[Model]) -> Table:
        """Return a table of parts of documents, whose columns are named as their fields; a list is one cell."""
        return cls(columns, [[_cell(getattr(part, name)) for name in columns] for part in parts])

    def to_csv(self) -> Iterator[bytes]:
        """Yield the table as CSV (RFC 4180, UTF-8), a line at a time; None is an empty cell."""
        yield _line(self.columns)
        for row in self.rows:
            yield _line([_plain(cell) for cell in row])


def clause_rows(document: Document) -> Iterator[tuple[str, Cell]]:
    """Yield each clause of a document with its value; what is no plain value is canonical JSON."""
    for name, value in document.to_json().items():
        is_plain = isinstance(value, (str, int))
        yield name, str(value) if is_plain else canonical_bytes(value).decode("utf-8")


def _cell(value: Any) -> Cell:
    return " ".join(value) if isinstance(value, tuple) else value


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return inert(cell) if isinstance(cell, str) else cell


def _line(cells: Sequence[Cell]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue().encode("utf-8")
