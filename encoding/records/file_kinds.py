"""Open a file of records by what its name says it is."""

from __future__ import annotations

import os
from pathlib import Path

from encoding.errors import FileKindError
from encoding.records.csv_table import CsvTable
from encoding.records.parquet_table import ParquetTable
from encoding.records.table import Table
from encoding.records.xlsx_table import XlsxTable

_WORKBOOKS = {".xlsx", ".xlsm"}
_PARQUET = {".parquet", ".pq"}
_OTHER_WORKBOOKS = {".xls", ".xlsb", ".ods"}
# First bytes of files that are often renamed to .csv.
_MAGIC = {
    b"PK\x03\x04": "a workbook or an archive",
    b"\xd0\xcf\x11\xe0": "an old workbook",
    b"PAR1": "a Parquet file",
}


def open_table(
    path: str | os.PathLike[str],
    *,
    encoding: str = "utf-8-sig",
    delimiter: str = ",",
    sheet: str | None = None,
) -> Table:
    """Open a file of records and read its header."""
    file = Path(path)
    kind = file.suffix.lower()
    if kind in _OTHER_WORKBOOKS:
        raise FileKindError(
            f"{file} is a kind of workbook that blindlink cannot read",
            hint="save it as .xlsx or CSV",
        )
    if kind in _WORKBOOKS:
        return XlsxTable(file, sheet=sheet)
    if kind in _PARQUET:
        return ParquetTable(file)
    _check_is_text(file)
    return CsvTable(file, encoding=encoding, delimiter=delimiter)


def _check_is_text(file: Path) -> None:
    try:
        with file.open("rb") as stream:
            start = stream.read(4)
    except OSError:
        return  # said better by the reader itself
    if start in _MAGIC:
        raise FileKindError(
            f"{file} is {_MAGIC[start]}, not text",
            hint="give it the right ending, such as .xlsx",
        )
