"""Parquet files: typed columns as the same text that a CSV file would hold."""

from __future__ import annotations

import datetime
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from samples.refusals import raises

from encoding.errors import (
    CellError,
    DuplicateHeaderError,
    EmptyFileError,
    ExtraMissingError,
    FileKindError,
)
from encoding.records import open_table

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

MIDNIGHT = datetime.datetime(2015, 1, 2)  # noqa: DTZ001 - files store local times


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.parquet"


def rows_of(path: Path, *columns: str, n_rows: int = 10_000) -> list[list[str]]:
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
        assert [row[0] for row in rows_of(path)] == texts


def test_rows_come_in_order_across_row_groups_under_names_without_white_space(path: Path) -> None:
    table = pyarrow.table({" a.b ": [str(n) for n in range(50)], "c": list(range(50))})
    parquet.write_table(table, path, row_group_size=7)
    assert rows_of(path, "c", "a.b", n_rows=4) == [[str(n), str(n)] for n in range(50)]


def test_a_column_or_cell_without_exact_text_is_refused_where_it_is_used(path: Path) -> None:
    for value, kind in ((1, pyarrow.timestamp("ns")), (-(10**7), pyarrow.date32())):
        parquet.write_table(pyarrow.table({"a": pyarrow.array([value], kind), "b": ["x"]}), path)
        with raises(CellError, match="column a:? holds"):
            rows_of(path)
        assert rows_of(path, "b") == [["x"]]
    for value in ([1], {"x": 1}, b"x", float("nan"), 1e20):
        parquet.write_table(pyarrow.table({"id": ["1", "2"], "a": [None, value]}), path)
        with pytest.raises(CellError, match="row 2, column a:") as refusal:
            rows_of(path)
        assert refusal.value.exit_code == 3
        assert rows_of(path, "id") == [["1"], ["2"]]


def test_columns_of_the_same_name_are_refused(path: Path) -> None:
    table = pyarrow.table([["x"], ["y"]], names=["a", " a"])
    parquet.write_table(table, path)
    with raises(DuplicateHeaderError):
        open_table(path)


def test_a_file_without_rows_is_refused(path: Path) -> None:
    parquet.write_table(pyarrow.table({"a": pyarrow.array([], pyarrow.string())}), path)
    with pytest.raises(EmptyFileError):
        rows_of(path)


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
