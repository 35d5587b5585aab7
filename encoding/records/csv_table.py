"""Delimited text: every line ending, any declared encoding, strict quotation marks."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import cast

from encoding.errors import (
    DelimiterError,
    FileChangedError,
    FileMissingError,
    FileUnreadableError,
    InputError,
    NulByteError,
    QuotingError,
    RowTooLongError,
    UndecodableError,
    UnknownEncodingError,
)
from encoding.records.table import Table, column_chunks

# A thousand times any row of a school or a child-welfare file, and little enough to refuse at once.
MAX_LINE_CHARS = 1_000_000
_BLOCK_CHARS = 1 << 20
_BYTE_ORDER_MARK = "\ufeff"
# What the mark's three bytes in UTF-8 are in the encodings of Windows and in Latin-1.
_MARK_READ_OTHERWISE = "\xef\xbb\xbf"
DELIMITER_NAMES = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "vertical bars"}
"""The usual delimiters, and what they are called."""
_TWO_BYTES = 'if it was saved as Unicode text, say encoding = "utf-16" in the section [input]'


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

    def misread(self) -> InputError | None:
        """Return that the first row is one cell with other delimiters in it, or begins with a mark of UTF-8."""
        first = self.columns[0]
        if first.startswith(_MARK_READ_OTHERWISE):
            return UndecodableError(
                f"{self.path} begins as a file in UTF-8 does, but is read as {self.encoding}",
                hint='say encoding = "utf-8-sig" in the section [input], or leave it out',
            )
        if len(self.columns) > 1:
            return None
        for delimiter, name in DELIMITER_NAMES.items():
            if delimiter in first and delimiter != self.delimiter:
                written = "\\t" if delimiter == "\t" else delimiter
                return DelimiterError(
                    f"the first row of {self.path} is one single cell with {name} in it",
                    hint=f'say delimiter = "{written}" in the section [input]',
                )
        return None

    def _read_header(self) -> list[str]:
        # Slowly, so that only what is wrong with the header itself is met here.
        row = next(self._located_rows(), [])
        return [name.lstrip(_BYTE_ORDER_MARK).strip() for name in row]

    def _read_columns(self, n_rows: int) -> Iterator[tuple[dict[str, list[str]], float]]:
        size_bytes = max(1, self._identity[1])
        width, places = len(self._header), self._places()
        with self._open() as stream, self._faults_located():
            rows = self._rows(stream)
            next(rows, None)
            for columns in column_chunks(rows, n_rows, width=width, places=places):
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
        lines = chain.from_iterable(_line_blocks(stream))
        return csv.reader(lines, delimiter=self.delimiter, strict=True)

    @contextmanager
    def _faults_located(self) -> Iterator[None]:
        """Turn a fault met at full speed into one with row and column, by reading slowly up to it."""
        try:
            yield
        except (csv.Error, UnicodeError, _UnreadableLine):
            raise self._first_fault() from None
        except OSError:
            raise FileUnreadableError(f"{self.path} cannot be read") from None

    def _first_fault(self) -> InputError:
        try:
            for _ in self._located_rows():
                pass
        except InputError as fault:
            return fault
        return FileChangedError(f"{self.path} changed while it was read")

    def _located_rows(self) -> Iterator[list[str]]:
        """Yield every row, the header first, and raise the first fault with its place."""
        with self._open(errors="surrogateescape") as stream:
            rows = csv.reader(_short_lines(stream), delimiter=self.delimiter, strict=True)
            for number in count():
                row = self._next_row(rows, number)
                if row is None:
                    return
                self._check_characters(number, row)
                yield row

    def _next_row(self, rows: Iterator[list[str]], number: int) -> list[str] | None:
        try:
            return next(rows, None)
        except csv.Error as error:
            raise csv_fault(error, _place(number)) from None
        except UnicodeError:
            raise self._undecodable("the file") from None
        except _UnreadableLine:
            raise RowTooLongError(
                f"{_place(number)} is longer than {MAX_LINE_CHARS} characters"
            ) from None

    def _check_characters(self, number: int, row: Sequence[str]) -> None:
        for place, cell in enumerate(row):
            if "\0" in cell:
                where = self._cell_place(number, place)
                raise NulByteError(
                    f"{where} holds a NUL byte, which no text file has", hint=_TWO_BYTES
                )
            if any("\udc80" <= char <= "\udcff" for char in cell):
                raise self._undecodable(self._cell_place(number, place))

    def _undecodable(self, where: str) -> UndecodableError:
        hint = "say which encoding the file has; files from Excel are often cp1252"
        return UndecodableError(
            f"{where} holds a byte that the encoding {self.encoding} does not have",
            hint=_TWO_BYTES if self._begins_as_utf16() else hint,
        )

    def _begins_as_utf16(self) -> bool:
        try:
            with self.path.open("rb") as stream:
                return stream.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
        except OSError:
            return False

    def _cell_place(self, number: int, place: int) -> str:
        if number == 0:
            return f"the header, column {place + 1},"
        name = self._header[place] if place < len(self._header) else ""
        # Only columns that were asked for by name are surely names and not someone's.
        return f"{_place(number)}, column {name if name in self.columns else place + 1},"


class _UnreadableLine(Exception):
    """A line that must not reach the CSV reader: too long, or with a NUL byte."""


def check_delimiter(delimiter: str) -> None:
    """Raise DelimiterError unless `delimiter` is one character that can stand between cells."""
    if len(delimiter) != 1 or delimiter in '"\r\n\0 ':
        raise DelimiterError(
            "the delimiter must be one character, but not a quotation mark or line end"
        )


def check_encoding(encoding: str) -> None:
    """Raise UnknownEncodingError unless Python can decode text by `encoding`."""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding).close()
    except (LookupError, ValueError, TypeError):
        raise UnknownEncodingError(
            "this program does not know the text encoding that is declared",
            hint="common ones are utf-8, cp1252 and latin-1",
        ) from None


def csv_fault(error: csv.Error, place: str) -> InputError:
    """Return what the csv module has found wrong, in the words of the agency's side: `place` begins them."""
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


def _line_blocks(stream: io.TextIOWrapper) -> Iterator[io.StringIO]:
    """Yield the text in blocks of whole lines, each of which gives its lines when iterated."""
    rest = ""
    while block := stream.read(_BLOCK_CHARS):
        if "\0" in block or len(rest) > MAX_LINE_CHARS:
            raise _UnreadableLine
        block = rest + block
        # A carriage return at the very end may be half of a line end.
        end = max(block.rfind("\n"), block.rfind("\r", 0, -1)) + 1
        yield io.StringIO(block[:end], newline="")
        rest = block[end:]
    yield io.StringIO(rest, newline="")


def _short_lines(stream: io.TextIOWrapper) -> Iterator[str]:
    while line := stream.readline(MAX_LINE_CHARS + 1):
        if len(line) > MAX_LINE_CHARS:
            raise _UnreadableLine
        yield line


def _bytes_read(stream: io.TextIOWrapper) -> int:
    """Return how far the file has been read, for which the text layer has no cheap answer."""
    return cast(io.BufferedReader, stream.buffer).tell()


def _place(number: int) -> str:
    return f"row {number}" if number else "the header"
