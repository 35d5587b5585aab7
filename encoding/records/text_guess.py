"""How a text file is written, told by its bytes: the encoding, and what stands between two cells."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path
from typing import Final

from encoding.errors import FileMissingError, FileUnreadableError
from encoding.records.csv_table import DELIMITER_NAMES

_MARKS: Final = {
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# The commonest in files of Windows; where it has no such letter, Latin-1, in which every byte is one.
_OTHERS: Final = ("utf-8-sig", "cp1252")
_LAST: Final = "latin-1"
_BLOCK_BYTES: Final = 1 << 20
_LOOKED_AT_BYTES: Final = 1 << 16
_LOOKED_AT_ROWS: Final = 50


def guess_encoding(path: Path) -> str:
    """Return the text encoding in which all bytes of a file are letters: UTF-8, else that of Windows.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(2)
        if start in _MARKS:
            return _MARKS[start]
        return next((one for one in _OTHERS if _decodes(path, one)), _LAST)
    except FileNotFoundError:
        raise FileMissingError(f"there is no file {path}") from None
    except OSError:
        raise FileUnreadableError(f"{path} cannot be read") from None


def guess_delimiter(path: Path, encoding: str) -> str:
    """Return the character that cuts the first rows into most cells, as many in each; else a comma."""
    with path.open("rb") as file:
        raw = file.read(_LOOKED_AT_BYTES)
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(raw)
    widths = {delimiter: _width(text, delimiter) for delimiter in (",", *DELIMITER_NAMES)}
    return max(widths, key=lambda one: widths[one])


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _width(text: str, delimiter: str) -> int:
    """Return how many cells the first rows have if all have as many as the header, else 1."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) > _LOOKED_AT_ROWS:
                break
    except csv.Error:
        return 1
    # The last one may be cut off where looking ended.
    whole = [row for row in (rows[:-1] or rows) if row]
    widths = {len(row) for row in whole}
    return widths.pop() if len(widths) == 1 else 1
