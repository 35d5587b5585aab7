"""A file without record IDs: the number of a row stands for one."""

from __future__ import annotations

from pathlib import Path

from encoding.records.row_numbers import ROW_NUMBER, UnnumberedFile


def test_rows_are_numbered_from_1_across_chunks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("first,last\nAna,Lee\nBo,Ng\nCy,Oz\n", "utf-8")
    table = UnnumberedFile(tmp_path / "a.csv").open()
    assert table.columns == (ROW_NUMBER, "first", "last")
    chunks = list(table.select([ROW_NUMBER, "last"]).chunks(2))
    assert [list(chunk.columns) for chunk in chunks] == [[ROW_NUMBER, "last"]] * 2
    assert [cell for chunk in chunks for cell in chunk.columns[ROW_NUMBER]] == ["1", "2", "3"]
    assert [cell for chunk in chunks for cell in chunk.columns["last"]] == ["Lee", "Ng", "Oz"]
