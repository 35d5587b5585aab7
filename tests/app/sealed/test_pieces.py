"""The pieces in which a file is stored."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.sealed.objects import cut_pieces


@given(st.lists(st.binary(min_size=1, max_size=20)), st.integers(1, 60))
def test_pieces_are_the_lines_cut_between_two(lines: list[bytes], piece_bytes: int) -> None:
    pieces = list(cut_pieces(lines, piece_bytes=piece_bytes))
    assert b"".join(pieces) == b"".join(lines)
    assert all(pieces)
    assert all(len(piece) >= piece_bytes for piece in pieces[:-1])
    assert all(len(piece) < piece_bytes + 20 for piece in pieces)


def test_an_empty_file_has_no_piece() -> None:
    assert list(cut_pieces([])) == []
