"""Find the cells of a workbook whose value is not what its owner typed: formulas and errors.

python-calamine reads a formula's last result, and an error as nothing; so the sheet's XML is looked at
as well. Layout: ECMA-376, part 1, §18.3.1.4 (c), §18.3.1.40 (f), §18.2.19 (sheet).
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO
from xml.etree import ElementTree
from xml.parsers import expat

from encoding.errors import CellError, FileKindError, FormulaCellError, InputError, SheetError

_READ_BYTES = 1 << 20
# The reader holds the whole sheet in memory; a larger list belongs in CSV or Parquet.
_MAX_SHEET_BYTES = 2 << 30
_MAX_PART_BYTES = 16 << 20
_SUSPECT = re.compile(rb"""<(?:\w+:)?f[\s/>]|\st=["']e["']""")
_OVERLAP_BYTES = 64


def check_cells(
    path: Path, sheet: str, *, header_line: int, column_names: Mapping[int, str]
) -> None:
    """Raise unless every cell of the given columns holds what was typed."""
    try:
        with zipfile.ZipFile(path) as archive:
            part = _sheet_part(archive, sheet)
            if archive.getinfo(part).file_size > _MAX_SHEET_BYTES:
                raise SheetError(f"the sheet of {path} is too large", hint="save it as CSV")
            with archive.open(part) as stream:
                is_suspect = any(map(_SUSPECT.search, _overlapping(stream)))
            if is_suspect:
                with archive.open(part) as stream:
                    _CellScan(header_line, column_names).scan(stream)
    except (zipfile.BadZipFile, KeyError, OSError, ElementTree.ParseError, expat.ExpatError):
        raise FileKindError(f"{path} is not a workbook that can be read") from None


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the archive member that holds `sheet`."""
    targets = {
        relation.get("Id"): relation.get("Target", "")
        for relation in _xml(archive, "xl/_rels/workbook.xml.rels")
    }
    for element in _xml(archive, "xl/workbook.xml").iter():
        if _local_name(element.tag) == "sheet" and element.get("name") == sheet:
            relation = next(v for k, v in element.items() if _local_name(k) == "id")
            return posixpath.normpath(posixpath.join("/xl", targets[relation]))[1:]
    raise KeyError(sheet)


def _xml(archive: zipfile.ZipFile, part: str) -> ElementTree.Element:
    if archive.getinfo(part).file_size > _MAX_PART_BYTES:
        raise KeyError(part)
    # The agency's own file, and expat (2.4.1 and later) stops an expansion of entities by itself.
    return ElementTree.fromstring(archive.read(part))  # noqa: S314


def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _overlapping(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the stream in blocks that overlap, so that no tag is cut in every block that has it."""
    tail = b""
    while block := stream.read(_READ_BYTES):
        block = tail + block
        yield block
        tail = block[-_OVERLAP_BYTES:]


class _CellScan:
    """Walks a sheet's XML and raises at the first formula or error in a column to check."""

    def __init__(self, header_line: int, column_names: Mapping[int, str]) -> None:
        self._header_line = header_line
        self._column_names = column_names
        self._line = -1
        self._place = -1

    def scan(self, stream: IO[bytes]) -> None:
        """Raise FormulaCellError or CellError if there is such a cell."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.ParseFile(stream)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "row":
            self._line = int(attributes["r"]) - 1 if "r" in attributes else self._line + 1
            self._place = -1
        elif name == "c":
            self._place = _place_of(attributes["r"]) if "r" in attributes else self._place + 1
            if attributes.get("t") == "e":
                self._refuse(CellError, "holds an Excel error instead of a value")
        elif name == "f":
            self._refuse(FormulaCellError, "holds a formula; store its value instead")

    def _refuse(self, error_class: type[InputError], rule: str) -> None:
        column = self._column_names.get(self._place)
        if column is not None and self._line > self._header_line:
            raise error_class(f"row {self._line - self._header_line}, column {column}: {rule}")


def _place_of(reference: str) -> int:
    """Return the 0-based column of a cell reference such as AB12."""
    place = 0
    for letter in reference:
        if not letter.isalpha():
            break
        place = place * 26 + ord(letter.upper()) - ord("A") + 1
    return place - 1
