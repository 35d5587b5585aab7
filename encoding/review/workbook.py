"""Writes a workbook of one sheet of texts, in which no cell can be a formula.

Forty lines of the OOXML standard (ECMA-376), so that anyone who reviews in a spreadsheet needs no further
package.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from typing import IO, Final
from xml.sax.saxutils import escape, quoteattr

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPES: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_WIDEST: Final = 40
_FIXED: Final = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="review" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


def write_workbook(
    file: IO[bytes], rows: Sequence[Sequence[str]], choices: Mapping[int, Sequence[str]]
) -> None:
    """Write rows of texts, the first of which is the header."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**_FIXED, "xl/worksheets/sheet1.xml": _sheet(rows, choices)}.items():
            archive.writestr(name, _HEAD + content)


def _sheet(rows: Sequence[Sequence[str]], choices: Mapping[int, Sequence[str]]) -> str:
    lines = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
    offered = "".join(
        f'<dataValidation type="list" allowBlank="1" sqref="{_letters(place)}2:{_letters(place)}{len(rows)}">'
        f"<formula1>{escape(_quoted(texts))}</formula1></dataValidation>"
        for place, texts in choices.items()
        if len(rows) > 1
    )
    validations = (
        f'<dataValidations count="{len(choices)}">{offered}</dataValidations>' if offered else ""
    )
    frozen = (
        '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" state="frozen"/>'
        "</sheetView></sheetViews>"
    )
    widths = "".join(
        f'<col min="{place}" max="{place}" width="{_width(cells)}" customWidth="1"/>'
        for place, cells in enumerate(zip(*rows, strict=True), start=1)
    )
    content = f"{frozen}<cols>{widths}</cols><sheetData>{lines}</sheetData>{validations}"
    return f"<worksheet xmlns={quoteattr(_MAIN)}>{content}</worksheet>"


def _cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _width(cells: Sequence[str]) -> int:
    """Return how wide a column is, in characters: as its longest cell, up to what a screen has room for."""
    return min(_WIDEST, max(map(len, cells))) + 2


def _quoted(texts: Sequence[str]) -> str:
    return f'"{",".join(texts)}"'


def _letters(place: int) -> str:
    """Return the letters of a column, from its place: A, B, ..., Z, AA."""
    first, last = divmod(place, 26)
    return (_letters(first - 1) if first else "") + chr(ord("A") + last)
