"""Parquet files, by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from encoding.errors import CellError, ExtraMissingError, FileKindError
from encoding.records.cell_text import InexactCell, cell_text
from encoding.records.table import Table, rows_in_chunks, stripped_columns


class ParquetTable(Table):
    """A Parquet file; its schema is its header."""

    def _read_header(self) -> list[str]:
        with self._open() as file:
            return [name.strip() for name in file.schema_arrow.names]

    def _read_columns(self, n_rows: int) -> Iterator[tuple[dict[str, list[str]], float]]:
        places = dict(zip(self.columns, range(len(self.columns)), strict=True))
        first_row = 1
        with self._open() as file:
            n_total = max(1, file.metadata.num_rows)
            for some in rows_in_chunks(self._text_rows(file, n_rows), n_rows):
                columns = stripped_columns(some, len(places), places, first_row)
                first_row += len(some)
                yield columns, min(1.0, (first_row - 1) / n_total)

    def _text_rows(self, file: Any, n_rows: int) -> Iterator[tuple[str, ...]]:
        stored_names = [file.schema_arrow.names[place] for place in self._places().values()]
        first_row = 1
        for batch in file.iter_batches(batch_size=n_rows, columns=stored_names):
            texts = [
                self._texts(name, batch.column(stored).to_pylist(), first_row)
                for name, stored in zip(self.columns, stored_names, strict=True)
            ]
            yield from zip(*texts, strict=True)
            first_row += batch.num_rows

    def _texts(self, name: str, values: list[object], first_row: int) -> list[str]:
        texts = []
        for number, value in enumerate(values, start=first_row):
            try:
                texts.append(cell_text(value))
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
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ExtraMissingError(
            "reading Parquet files needs an optional package",
            hint="install blindlink[parquet], or export the file as CSV",
        ) from None
    return pyarrow, pyarrow.parquet
