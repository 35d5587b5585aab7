"""Delimited text: what is read, and the one sentence for everything that is not."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.refusals import is_one, raises

from encoding.errors import (
    DelimiterError,
    DuplicateHeaderError,
    EmptyFileError,
    FileChangedError,
    FileKindError,
    FileMissingError,
    FileUnreadableError,
    InputError,
    MissingColumnError,
    NulByteError,
    QuotingError,
    RaggedRowError,
    RowTooLongError,
    UndecodableError,
    UnknownEncodingError,
)
from encoding.records import Table, csv_table, open_table

FEBRL = Path(__file__).parents[2] / "data" / "febrl4a.csv"
WriteFile = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> WriteFile:
    def write_file(content: bytes, name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file


def rows_of(table: Table, n_rows: int = 10_000) -> list[list[str]]:
    rows = []
    for chunk in table.chunks(n_rows):
        assert chunk.first_row == len(rows) + 1
        rows.extend(map(list, zip(*chunk.columns.values(), strict=True)))
    return rows


def refusal(path: Path, columns: tuple[str, ...] = (), **options: Any) -> InputError:
    def read() -> None:
        table = open_table(path, **options)
        rows_of(table.select(columns) if columns else table)

    with pytest.raises(InputError) as found:
        read()
    assert found.value.exit_code == 3
    assert "planted" not in repr(found.value)
    assert "planted" not in str(found.value.hint)
    return found.value


def test_febrl4_is_read_as_the_csv_module_reads_it() -> None:
    with FEBRL.open(encoding="utf-8", newline="") as stream:
        header, *rows = [[cell.strip() for cell in row] for row in csv.reader(stream)]
    table = open_table(FEBRL)
    assert list(table.columns) == header
    assert rows_of(table, 777) == rows


_CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
_FILE = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(_CELL, min_size=width, max_size=width), min_size=1, max_size=30)
)


@given(
    _FILE,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.integers(1, 9),
)
def test_any_file_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    line_end: str,
    encoding: str,
    n_rows: int,
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows(
        [[f"c{place}" for place in range(len(rows[0]))], *rows, ["end"] * len(rows[0])]
    )
    path = tmp_path_factory.mktemp("csv") / "any.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    expected = [[cell.strip() for cell in row] for row in rows]
    read = open_table(path, encoding="utf-16" if encoding == "utf-16" else "utf-8-sig")
    assert rows_of(read, n_rows)[:-1] == expected


def test_blocks_of_any_size_give_the_same_rows(
    write: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b'a,b\r\n1,"x\r\ny"\r\n2,"p""q"\n3,r\r4,s'
    expected = [["1", "x\r\ny"], ["2", 'p"q'], ["3", "r"], ["4", "s"]]
    for size in range(1, len(content) + 2):
        monkeypatch.setattr(csv_table, "_BLOCK_CHARS", size)
        assert rows_of(open_table(write(content))) == expected


def test_a_line_feed_in_a_cell_among_lines_of_an_old_mac_ends_no_block(
    write: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_table, "_BLOCK_CHARS", 40)
    monkeypatch.setattr(csv_table, "MAX_LINE_CHARS", 30)
    content = b'a,b\r1,"x\ny"\r' + b"2,q\r" * 20
    assert rows_of(open_table(write(content))) == [["1", "x\ny"], *[["2", "q"]] * 20]


def test_declared_encodings_delimiters_and_marks_are_read(write: WriteFile) -> None:
    marked = "\ufeffname,town\nJosé,Peña".encode()
    windows, latin = (
        f"name{mark}town{end}José{mark}Peña{end}".encode(code)
        for mark, end, code in ((";", "\n", "cp1252"), ("\t", "\r\n", "latin-1"))
    )
    for content, options in (
        (windows, {"encoding": "cp1252", "delimiter": ";"}),
        (latin, {"encoding": "latin-1", "delimiter": "\t"}),
        (marked, {}),
        (marked, {"encoding": "utf-8"}),
        ("name,town\nJosé,Peña\n".encode("utf-16"), {"encoding": "utf-16"}),
        (' name , town \n"José", Peña \n'.encode(), {}),
    ):
        table = open_table(write(content), **options)
        assert table.columns == ("name", "town"), content
        assert rows_of(table) == [["José", "Peña"]], content


def test_everything_is_text_in_the_columns_asked_for_from_the_beginning(write: WriteFile) -> None:
    content = b"id,born,n\n007,1/2/2015,1e5\n"
    assert rows_of(open_table(write(content))) == [["007", "1/2/2015", "1e5"]]
    table = open_table(write(b"a,b,c\n1,2,3\n4,5,6\n")).select(["c", "a"])
    assert table.columns == ("c", "a")
    assert rows_of(table, 1) == rows_of(table, 1) == [["3", "1"], ["6", "4"]]
    # Columns without a name cannot be asked for.
    table = open_table(write(b"a,,b,\n1,2,3,4\n"))
    assert table.columns == ("a", "b")
    assert rows_of(table) == [["1", "3"]]


def test_blank_rows_are_rows_of_empty_cells_but_at_the_end(write: WriteFile) -> None:
    assert rows_of(open_table(write(b"a,b\n1,2\n\n,\n\n")), 1) == [["1", "2"]]
    content = b"a,b\n1,2\n\n\n3,4\n"
    for n_rows in (1, 2, 3, 10):
        found = rows_of(open_table(write(content)), n_rows)
        assert found == [["1", "2"], ["", ""], ["", ""], ["3", "4"]]


def test_the_share_grows_to_the_whole(write: WriteFile) -> None:
    content = b"a\n" + b"12345678\n" * 300_000
    shares = [chunk.share for chunk in open_table(write(content)).chunks(50_000)]
    assert shares == sorted(shares)
    assert shares[0] < 1 == shares[-1]


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"", EmptyFileError, "no header"),
        (b"\n\n", EmptyFileError, "is blank"),
        (b"\na,b\n1,2\n", EmptyFileError, "is blank"),
        (b",,\n1,2,3\n", EmptyFileError, "is blank"),
        (b"a,b\n", EmptyFileError, "no rows"),
        (b"a,b\n\n,\n", EmptyFileError, "no rows"),
        (b"a,planted,planted\n1,2,3\n", DuplicateHeaderError, "columns 2 and 3"),
        (b"a,b\n1,2\nplanted\n", RaggedRowError, "row 2 has 1 cells where the header has 2"),
        (b"a,b\n1,2\nplanted,3,4\n", RaggedRowError, "row 2 has 3 cells"),
        (b"a,b\n\nplanted\n", RaggedRowError, "row 2 has 1 cells"),
        (b'a,b\n1,2\n"planted"x,2\n', QuotingError, "row 2"),
        (b'a,b\n1,2\n3,"planted\n', QuotingError, "row 2"),
        (b'"a,b\n1,2\n', QuotingError, "the header"),
        (b"a,b\n1,2\n3,plan\0ted\n", NulByteError, "row 2, column b,"),
        (b"a,b\n1,2\n3,plant\xe9d\n", UndecodableError, "row 2, column b, holds a byte"),
        (b"a,plant\xe9d\n1,2\n", UndecodableError, "the header, column 2, holds a byte"),
        (b"a,b\n" + b"x" * 131_073 + b",2\n", RowTooLongError, "row 1 has a cell longer"),
        (b'a,b\n1,"' + b"planted\n" * 20_000, RowTooLongError, "row 1 has a cell longer"),
        (b"a,b\n1,2\n" + b"planted," * 400_000, RowTooLongError, "row 2 is longer than"),
    ],
)
def test_a_file_that_cannot_be_used_gets_one_sentence(
    write: WriteFile, content: bytes, error: Any, words: str
) -> None:
    found = refusal(write(content))
    assert found.code == error.code
    assert words in str(found)


def test_a_row_of_100_megabytes_is_refused_without_being_read(write: WriteFile) -> None:
    path = write(b"a,b\n1,2\n")
    with path.open("ab") as stream:
        for _ in range(100):
            stream.write(b"planted," * 125_000)
    assert is_one(refusal(path), RowTooLongError)


def test_columns_of_a_fault_are_named_by_place_and_missing_ones_by_name(write: WriteFile) -> None:
    content = b"a,planted\n1,\xe9\n"
    assert "row 1, column 2," in str(refusal(write(content), columns=("a",)))
    found = refusal(write(b"planted,a\n1,2\n"), columns=("a", "birth_date"))
    assert is_one(found, MissingColumnError)
    assert "birth_date" in str(found)


def test_encodings_and_delimiters_that_are_none_are_refused(write: WriteFile) -> None:
    content = "a,b\n1,2\n".encode("utf-16") + b"\x00"
    assert isinstance(refusal(write(content), encoding="utf-16"), UndecodableError)
    path = write(b"a\n1\n")
    for encoding in ("klingon", "base64", "rot13", "", "utf-8\0", "undefined"):
        found = refusal(path, encoding=encoding)
        assert is_one(found, UnknownEncodingError, UndecodableError), encoding
    for delimiter in ("", ",,", '"', "\n", "\0", " "):
        assert is_one(refusal(path, delimiter=delimiter), DelimiterError), delimiter


def test_what_is_no_text_file_is_refused_for_what_it_is(write: WriteFile, tmp_path: Path) -> None:
    assert is_one(refusal(tmp_path / "none.csv"), FileMissingError)
    assert is_one(refusal(tmp_path), FileUnreadableError)
    for name in ("people.xls", "people.ODS", "people.xlsb"):
        assert is_one(refusal(write(b"a\n1\n", name)), FileKindError), name
    # A workbook that is called CSV is recognised.
    for content in (b"PK\x03\x04\0\0", b"\xd0\xcf\x11\xe0\0", b"PAR1\0\0"):
        found = refusal(write(content))
        assert is_one(found, FileKindError), content
        assert ".xlsx" in str(found.hint)


def test_a_file_changed_while_it_is_read_or_between_two_readings_is_refused(
    write: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = open_table(write(b"a\n1\n"))
    rows_of(table)
    write(b"a\n1\n2\n")
    with raises(FileChangedError):
        rows_of(table)
    chunks = open_table(write(b"a\n1\n2\n")).chunks(1)
    next(chunks)
    write(b"a\n1\n2\n3\n")
    with raises(FileChangedError):
        list(chunks)
    # So is one of which a fault is gone on second reading.
    table = open_table(write(b"a\n1\n"))

    def broken(stream: object) -> Any:
        raise csv.Error

    monkeypatch.setattr(csv_table, "_line_blocks", broken)
    with raises(FileChangedError):
        rows_of(table)
