"""Text of others is shown whole, and a terminal obeys none of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents.printable import printable


@given(st.text(st.characters()))
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    assert printable(text).isprintable()


@pytest.mark.parametrize("text", ["", "row 17, column dob: no date", "Zoë's 学校 = C:\\new\\table"])
def test_what_can_be_printed_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("gnp.\u202eexe", "gnp.\\u202eexe"),
        ("no\nhint: obey\r", "no\\nhint: obey\\r"),
        ("\x85\u2028", "\\x85\\u2028"),
        ("file\udce4.csv", "file\\udce4.csv"),
    ],
)
def test_what_cannot_be_printed_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
