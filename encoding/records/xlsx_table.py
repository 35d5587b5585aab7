"""Excel workbooks (.xlsx, .xlsm), by python-calamine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import python_calamine as calamine

from encoding.errors import CellError, FileKindError, SheetError
from encoding.records.cell_text import InexactCell, cell_text
from encoding.records.table import Table, column_chunks
from encoding.records.xlsx_cells import check_cells


class XlsxTable(Table):
    """One sheet of a workbook; the first row with two cells or more is its header, since a title has one.

    Attributes:
        sheet: the sheet's name; None is the first one with such a row, so that a cover is passed over.
        sheets: the names of all.
    """

    sheets: tuple[str, ...] = ()

    def __init__(self, path: Path, *, sheet: str | None) -> None:
        self.sheet = sheet
        super().__init__(path)

    def _read_header(self) -> list[str]:
        sheet = self._load()
        line = _header_line(sheet)
        if line is None:
            return []
        self._header_line = line
        return _header_texts(next(islice(sheet.iter_rows(), line, None)))

    def _read_columns(self, n_rows: int) -> Iterator[tuple[dict[str, list[str]], float]]:
        sheet = self._load()
        places = self._places()
        check_cells(
            self.path,
            sheet.name,
            header_line=self._header_line,
            column_names={sheet.start[1] + place: name for name, place in places.items()},
        )
        n_lines = sheet.total_height
        n_read = self._header_line + 1
        rows = self._text_rows(sheet, places)
        for columns in column_chunks(rows, n_rows, width=len(self._header), places=places):
            n_read += len(next(iter(columns.values()), []))
            yield columns, min(1.0, n_read / n_lines)

    def _text_rows(self, sheet: Any, places: dict[str, int]) -> Iterator[list[str]]:
        """Yield each row after the header; columns that are not selected are left empty."""
        rows = islice(sheet.iter_rows(), self._header_line + 1, None)
        for number, row in enumerate(rows, start=1):
            texts = [""] * len(row)
            for name, place in places.items():
                try:
                    texts[place] = cell_text(row[place])
                except InexactCell as fault:
                    raise CellError(f"row {number}, column {name}: {fault}") from None
            yield texts

    def _load(self) -> Any:
        try:
            workbook = calamine.load_workbook(self.path)
            return self._sheet_of(workbook)
        except calamine.PasswordError:
            raise FileKindError(
                f"{self.path} is protected by a password", hint="save it without a password"
            ) from None
        except (calamine.CalamineError, OSError):
            raise FileKindError(
                f"{self.path} is not a workbook that can be read",
                hint="save it again as .xlsx or CSV",
            ) from None

    def _sheet_of(self, workbook: Any) -> Any:
        if not workbook.sheet_names:
            raise SheetError(f"{self.path} has no sheet")
        self.sheets = tuple(workbook.sheet_names)
        if self.sheet is None:
            all_sheets = (workbook.get_sheet_by_name(name) for name in self.sheets)
            found = next((one for one in all_sheets if _is_list(one)), None)
            return found or workbook.get_sheet_by_index(0)
        if self.sheet not in workbook.sheet_names:
            raise SheetError(f"{self.path} has no sheet named {self.sheet}")
        return workbook.get_sheet_by_name(self.sheet)


def _header_line(sheet: Any) -> int | None:
    """Return the first row with two cells or more, else the first that is not empty; None: all are empty."""
    first = None
    for line, row in enumerate(sheet.iter_rows()):
        n_filled = _n_filled(row)
        if n_filled > 1:
            return line
        if n_filled and first is None:
            first = line
    return first


def _is_list(sheet: Any) -> bool:
    return any(_n_filled(row) > 1 for row in sheet.iter_rows())


def _n_filled(row: list[object]) -> int:
    return sum(not isinstance(value, str) or bool(value.strip()) for value in row)


def _header_texts(row: list[object]) -> list[str]:
    try:
        return [cell_text(value).strip() for value in row]
    except InexactCell as fault:
        raise CellError(f"the header {fault}") from None
