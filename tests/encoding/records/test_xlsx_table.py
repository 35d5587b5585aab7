"""Workbooks: typed cells as the text that their owner sees, and nothing that was computed.
Parquet files: typed columns as the same text that a CSV file would hold.
"""

from __future__ import annotations

import datetime
import sys
import zipfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from samples.refusals import raises

from encoding.errors import (
    CellError,
    DuplicateHeaderError,
    EmptyFileError,
    ExtraMissingError,
    FileKindError,
    FormulaCellError,
    InputError,
    MissingColumnError,
    SheetError,
)
from encoding.records import open_table, xlsx_cells

openpyxl = pytest.importorskip("openpyxl")

WriteBook = Callable[..., Path]
MIDNIGHT = datetime.datetime(2015, 1, 2)  # noqa: DTZ001 - files store local times


@pytest.fixture
def write(tmp_path: Path) -> WriteBook:
    def write_book(
        rows: Sequence[Sequence[Any]], *, at: tuple[int, int] = (1, 1), **sheets: Any
    ) -> Path:
        book = openpyxl.Workbook()
        for sheet, its_rows in [
            (book.active, rows),
            *((book.create_sheet(n), r) for n, r in sheets.items()),
        ]:
            for line, row in enumerate(its_rows):
                for place, value in enumerate(row):
                    if value is not None:
                        sheet.cell(at[0] + line, at[1] + place, value)
        book.save(tmp_path / "people.xlsx")
        return tmp_path / "people.xlsx"

    return write_book


def rows_of(
    path: Path, *columns: str, n_rows: int = 10_000, sheet: str | None = None
) -> list[list[str]]:
    table = open_table(path, sheet=sheet)
    rows: list[list[str]] = []
    for chunk in (table.select(columns) if columns else table).chunks(n_rows):
        assert chunk.first_row == len(rows) + 1
        rows.extend(map(list, zip(*chunk.columns.values(), strict=True)))
    return rows


def test_cells_are_written_as_their_owner_sees_them(write: WriteBook) -> None:
    values = [
        ("007", "007"),
        (12, "12"),
        (12.0, "12"),
        (-3, "-3"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (123456789012345, "123456789012345"),
        (True, "TRUE"),
        (False, "FALSE"),
        (datetime.date(2015, 1, 2), "2015-01-02"),
        (MIDNIGHT, "2015-01-02"),
        (MIDNIGHT.replace(hour=3, minute=4, second=5), "2015-01-02T03:04:05"),
        (datetime.time(3, 4, 5), "03:04:05"),
        ("  José ", "José"),
        (None, ""),
    ]
    path = write([["first", "second"], *[["x", value] for value, _ in values], ["end", "end"]])
    assert [row[1] for row in rows_of(path)[:-1]] == [text for _, text in values]


def test_the_header_is_the_first_row_with_two_cells_behind_titles_and_covers(
    write: WriteBook,
) -> None:
    titled = [["Students of Elm County"], [None], ["a", "b"], [1, 2], [3, 4]]
    for path in (
        write([["a", "b"], [1, 2], [3, 4]], at=(4, 3)),
        write(titled),
        write([["Export"], ["of 2026"]], Students=titled),
    ):
        assert open_table(path).columns == ("a", "b")
        assert rows_of(path, n_rows=1) == [["1", "2"], ["3", "4"]]
    with raises(FormulaCellError, match="row 2, column b:"):
        rows_of(write([*titled[:-1], [3, "=1+1"]]))


def test_blank_rows_keep_their_number_and_those_at_the_end_go(write: WriteBook) -> None:
    path = write([["a", "b"], [1, 2], [None, None], [3, None], [None, " "]])
    assert rows_of(path) == [["1", "2"], ["", ""], ["3", ""]]


def test_a_sheet_is_found_by_name(write: WriteBook) -> None:
    path = write([["a"], [1]], Pupils=[["b"], ["=1+1"], [2]], Other=[["c"], [3]])
    assert rows_of(path) == [["1"]]
    assert rows_of(path, sheet="Other") == [["3"]]
    with pytest.raises(FormulaCellError, match="row 1, column b:"):
        rows_of(path, sheet="Pupils")
    with raises(SheetError):
        open_table(path, sheet="None")


@pytest.mark.parametrize("at", [(1, 1), (4, 28)])
@pytest.mark.parametrize(
    ("value", "error"), [("=1+1", FormulaCellError), ("#N/A", CellError), (10**15, CellError)]
)
def test_a_cell_without_a_typed_exact_value_is_refused(
    write: WriteBook, value: Any, error: type[InputError], at: tuple[int, int]
) -> None:
    path = write([["id", "name"], ["1", "x"], ["2", value]], at=at)
    with pytest.raises(error, match="row 2, column name:") as refusal:
        rows_of(path)
    assert refusal.value.exit_code == 3
    assert str(value) not in str(refusal.value)


def test_a_formula_in_a_column_that_is_not_used_does_no_harm(write: WriteBook) -> None:
    path = write([["id", "note"], ["1", "=1+1"], ["2", 10**15]])
    assert rows_of(path, "id") == [["1"], ["2"]]


def test_a_formula_above_the_header_does_no_harm(write: WriteBook, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "=1+1"
    book.active["A3"] = "id"
    book.active["A4"] = "7"
    book.save(tmp_path / "b.xlsx")
    # The reader takes a formula without a stored result for an empty cell.
    assert rows_of(tmp_path / "b.xlsx") == [["7"]]


def test_a_formula_is_found_across_blocks_of_the_sheet(
    write: WriteBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write([["id", "name"], ["1", "=1+1"]])
    for size in (1, 7, 64, 100):
        monkeypatch.setattr(xlsx_cells, "_READ_BYTES", size)
        with pytest.raises(FormulaCellError):
            rows_of(path)


@pytest.mark.parametrize("rows", [[], [["a", "b"]], [["a"], [None], [" "]]])
def test_an_empty_sheet_is_refused(write: WriteBook, rows: list[list[Any]]) -> None:
    with pytest.raises(EmptyFileError):
        rows_of(write(rows))


def test_a_missing_column_is_refused(write: WriteBook) -> None:
    with raises(MissingColumnError):
        rows_of(write([["a"], [1]]), "b")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK\x03\x04 and no more"])
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "people.xlsx"
    path.write_bytes(content)
    with raises(FileKindError):
        open_table(path)


def test_a_damaged_sheet_is_refused(write: WriteBook, tmp_path: Path) -> None:
    path = write([["a"], ["=1"]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"][:-30]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with raises((FileKindError, FormulaCellError)):
        rows_of(path)


def test_a_sheet_too_large_for_memory_is_refused(
    write: WriteBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write([["a"], [1]])
    monkeypatch.setattr(xlsx_cells, "_MAX_SHEET_BYTES", 100)
    with raises(SheetError, match="too large"):
        rows_of(path)


pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.parquet"


def parquet_rows_of(path: Path, *columns: str, n_rows: int = 10_000) -> list[list[str]]:
    table = open_table(path)
    rows: list[list[str]] = []
    for chunk in (table.select(columns) if columns else table).chunks(n_rows):
        assert chunk.first_row == len(rows) + 1
        rows.extend(map(list, zip(*chunk.columns.values(), strict=True)))
    return rows


def test_typed_columns_are_text(path: Path) -> None:
    for values, texts in (
        ([" José ", None], ["José", ""]),
        ([7, None], ["7", ""]),
        ([7.0, 0.5], ["7", "0.5"]),
        ([True, False], ["TRUE", "FALSE"]),
        ([Decimal("7.00"), Decimal("1.25")], ["7", "1.25"]),
        ([datetime.date(2015, 1, 2), None], ["2015-01-02", ""]),
        ([MIDNIGHT, MIDNIGHT.replace(hour=3)], ["2015-01-02", "2015-01-02T03:00:00"]),
        (pyarrow.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
    ):
        parquet.write_table(pyarrow.table({"a": values}), path)
        assert [row[0] for row in parquet_rows_of(path)] == texts


def test_rows_come_in_order_across_row_groups_under_names_without_white_space(path: Path) -> None:
    table = pyarrow.table({" a.b ": [str(n) for n in range(50)], "c": list(range(50))})
    parquet.write_table(table, path, row_group_size=7)
    assert parquet_rows_of(path, "c", "a.b", n_rows=4) == [[str(n), str(n)] for n in range(50)]


def test_a_column_or_cell_without_exact_text_is_refused_where_it_is_used(path: Path) -> None:
    for value, kind in ((1, pyarrow.timestamp("ns")), (-(10**7), pyarrow.date32())):
        parquet.write_table(pyarrow.table({"a": pyarrow.array([value], kind), "b": ["x"]}), path)
        with raises(CellError, match="column a:? holds"):
            parquet_rows_of(path)
        assert parquet_rows_of(path, "b") == [["x"]]
    for value in ([1], {"x": 1}, b"x", float("nan"), 1e20):
        parquet.write_table(pyarrow.table({"id": ["1", "2"], "a": [None, value]}), path)
        with pytest.raises(CellError, match="row 2, column a:") as refusal:
            parquet_rows_of(path)
        assert refusal.value.exit_code == 3
        assert parquet_rows_of(path, "id") == [["1"], ["2"]]


def test_columns_of_the_same_name_are_refused(path: Path) -> None:
    table = pyarrow.table([["x"], ["y"]], names=["a", " a"])
    parquet.write_table(table, path)
    with raises(DuplicateHeaderError):
        open_table(path)


def test_a_file_without_rows_is_refused(path: Path) -> None:
    parquet.write_table(pyarrow.table({"a": pyarrow.array([], pyarrow.string())}), path)
    with pytest.raises(EmptyFileError):
        parquet_rows_of(path)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PAR1 and no more PAR1"])
def test_what_is_no_parquet_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with raises(FileKindError):
        open_table(path)


def test_without_the_optional_package_its_name_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet.write_table(pyarrow.table({"a": ["x"]}), path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with raises(ExtraMissingError) as refusal:
        open_table(path)
    assert ".[parquet]" in str(refusal.value.hint)
