"""Delimited text: every line ending, any declared encoding, strict quotation marks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from encoding.errors import (
    DelimiterError,
    FileMissingError,
    FileUnreadableError,
    InputError,
    NulByteError,
    QuotingError,
    RowTooLongError,
    UndecodableError,
    UnknownEncodingError,
)
from encoding.records.table import Table, rows_in_chunks, stripped_columns

# A thousand times any row of a school or a child-welfare file, and little enough to refuse at once.
MAX_LINE_CHARS = 1_000_000
_BYTE_ORDER_MARK = "\ufeff"


class CsvTable(Table):
    """A delimited text file whose first row is its header.

    Attributes:
        encoding: the declared text encoding; a byte-order mark at the start is never part of a name.
        delimiter: the character between cells.
    """

    def __init__(self, path: Path, *, encoding: str, delimiter: str) -> None:
        self.encoding = encoding
        self.delimiter = delimiter
        check_delimiter(delimiter)
        check_encoding(encoding)
        super().__init__(path)

    def _read_header(self) -> list[str]:
        with self._open() as stream, self._faults_named():
            row = next(self._rows(stream), [])
        return [name.lstrip(_BYTE_ORDER_MARK).strip() for name in row]

    def _read_columns(self, n_rows: int) -> Iterator[tuple[dict[str, list[str]], float]]:
        size_bytes = max(1, self._identity[1])
        places = self._places()
        first_row = 1
        with self._open() as stream, self._faults_named():
            rows = self._rows(stream)
            next(rows, None)
            for some in rows_in_chunks(rows, n_rows):
                columns = stripped_columns(some, len(self._header), places, first_row)
                first_row += len(some)
                yield columns, min(1.0, _bytes_read(stream) / size_bytes)

    @contextmanager
    def _open(self, errors: str = "strict") -> Iterator[io.TextIOWrapper]:
        try:
            stream = open(self.path, encoding=self.encoding, errors=errors, newline="")  # noqa: SIM115
        except FileNotFoundError:
            raise FileMissingError(f"there is no file {self.path}") from None
        except OSError:
            raise FileUnreadableError(f"{self.path} cannot be read") from None
        with stream:
            yield stream

    def _rows(self, stream: io.TextIOWrapper) -> Iterator[list[str]]:
        """Yield every row, the header first; faults are raised with the number of their row."""
        reader = csv.reader(_lines(stream), delimiter=self.delimiter, strict=True)
        number = 0
        try:
            for row in reader:
                yield row
                number += 1
        except csv.Error as error:
            raise _csv_fault(error, _place(number)) from None
        except _LineFault as fault:
            raise fault.error_class(f"{_place(number)} {fault.rule}") from None

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        """Turn a decoding fault, which Python tells by byte, into one by row and column."""
        try:
            yield
        except UnicodeError:
            raise UndecodableError(
                f"{self._undecodable_place()} holds a byte that the encoding {self.encoding} does not have",
                hint="say which encoding the file has; files from Excel are often cp1252",
            ) from None
        except OSError:
            raise FileUnreadableError(f"{self.path} cannot be read") from None

    def _undecodable_place(self) -> str:
        """Return where the first such byte is, by reading again with the bad bytes marked."""
        try:
            with self._open(errors="surrogateescape") as stream:
                for number, row in enumerate(self._rows(stream)):
                    for place, cell in enumerate(row):
                        if any("\udc80" <= char <= "\udcff" for char in cell):
                            return self._cell_place(number, place)
        except (InputError, UnicodeError):
            pass
        return "the file"

    def _cell_place(self, number: int, place: int) -> str:
        if number == 0:
            return f"the header, column {place + 1},"
        name = self._header[place] if place < len(self._header) else ""
        # Only columns that were asked for by name are surely names and not somebody's.
        return f"{_place(number)}, column {name if name in self.columns else place + 1},"


def _bytes_read(stream: io.TextIOWrapper) -> int:
    """Return how far the file has been read; TextIOWrapper forbids its own tell while iterating."""
    raw = cast(io.BufferedReader, stream.buffer)
    return raw.tell()


class _LineFault(Exception):
    """A line that must not reach the CSV reader."""

    def __init__(self, error_class: type[InputError], rule: str) -> None:
        super().__init__(rule)
        self.error_class = error_class
        self.rule = rule


def check_delimiter(delimiter: str) -> None:
    """Raise DelimiterError unless `delimiter` is one character that can stand between cells."""
    if len(delimiter) != 1 or delimiter in '"\r\n\0 ':
        raise DelimiterError(
            "the delimiter must be one character, and no quotation mark or line end"
        )


def check_encoding(encoding: str) -> None:
    """Raise UnknownEncodingError unless Python can decode text by `encoding`."""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding).close()
    except (LookupError, ValueError, TypeError):
        raise UnknownEncodingError(
            "the declared encoding is not a text encoding that this program knows",
            hint="common ones are utf-8, cp1252 and latin-1",
        ) from None


def _lines(stream: io.TextIOWrapper) -> Iterator[str]:
    while line := stream.readline(MAX_LINE_CHARS + 1):
        if len(line) > MAX_LINE_CHARS:
            raise _LineFault(RowTooLongError, f"is longer than {MAX_LINE_CHARS} characters")
        if "\0" in line:
            raise _LineFault(NulByteError, "holds a NUL byte, which no text file has")
        yield line


def _csv_fault(error: csv.Error, place: str) -> InputError:
    # The csv module has one exception class; its message names no content, and says which fault it is.
    if "field larger than" in str(error):
        return RowTooLongError(
            f"{place} has a cell longer than {csv.field_size_limit()} characters",
            hint="a quotation mark that is never closed looks like this",
        )
    return QuotingError(
        f"{place} has quotation marks that do not pair up",
        hint='inside a quoted cell a quotation mark is written twice: ""',
    )


def _place(number: int) -> str:
    return f"row {number}" if number else "the header"
