"""Parquet files, by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from encoding.errors import CellError, ExtraMissingError, FileKindError
from encoding.records.cell_text import InexactCell, cell_text
from encoding.records.table import Table


class ParquetTable(Table):
    """A Parquet file; its schema is its header."""

    def _read_header(self) -> list[str]:
        with self._open() as file:
            self._stored: list[str] = file.schema_arrow.names
        return [name.strip() for name in self._stored]

    def _read_columns(self, n_rows: int) -> Iterator[tuple[dict[str, list[str]], float]]:
        stored_name = {name: self._stored[place] for name, place in self._places().items()}
        first_row = 1
        with self._open() as file:
            n_total = max(1, file.metadata.num_rows)
            for batch in file.iter_batches(batch_size=n_rows, columns=list(stored_name.values())):
                columns = {
                    name: self._texts(name, batch.column(stored), first_row)
                    for name, stored in stored_name.items()
                }
                first_row += batch.num_rows
                yield columns, (first_row - 1) / n_total

    def _texts(self, name: str, column: Any, first_row: int) -> list[str]:
        texts = []
        try:
            values = column.to_pylist()
        except (ValueError, OverflowError):
            raise CellError(
                f"column {name} holds something that cannot be read, such as a time of more than six decimals",
                hint="store it as text",
            ) from None
        for number, value in enumerate(values, start=first_row):
            try:
                texts.append(cell_text(value).strip())
            except InexactCell as fault:
                raise CellError(f"row {number}, column {name}: {fault}") from None
        return texts

    @contextmanager
    def _open(self) -> Iterator[Any]:
        arrow, parquet = import_pyarrow()
        try:
            with parquet.ParquetFile(self.path) as file:
                yield file
        except (arrow.ArrowException, OSError):
            raise FileKindError(f"{self.path} is not a Parquet file that can be read") from None


def import_pyarrow() -> tuple[Any, Any]:
    """Return pyarrow and its Parquet module, or say how to install them."""
    try:
        import pyarrow  # noqa: PLC0415 - an extra
        import pyarrow.parquet  # noqa: PLC0415 - an extra
    except ImportError:
        raise ExtraMissingError(
            "reading Parquet files needs an optional package",
            hint="in Blindlink's folder: pip install '.[parquet]'; or export the file as CSV",
        ) from None
    return pyarrow, pyarrow.parquet
