"""The handles that something is made of, out of a table that comes in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.uploads.reader import Handles, StoredUpload
from schemas.ids import HANDLE_BYTES


class InPieces(StoredUpload):
    """An upload of which only the table of handles is there."""

    def __init__(self, pieces: list[Any]) -> None:
        self.stored: Any = SimpleNamespace(party="schools")
        self._pieces = pieces

    def handle_pieces(self) -> Iterator[Any]:
        return iter(self._pieces)


@pytest.mark.parametrize("chosen", [[], [0], [9], [2, 3, 4], [0, 3, 9], list(range(10))])
def test_handles_of_some_records_are_those_of_the_whole_table(chosen: list[int]) -> None:
    table = np.random.default_rng(1).integers(0, 256, (10, HANDLE_BYTES), dtype=np.uint8)
    upload = InPieces([table[:3], table[3:4], table[4:]])
    handles = upload.handles(np.array(chosen, dtype=np.uint32))
    assert (handles.party, len(handles)) == ("schools", 10)
    backwards = np.array(chosen[::-1], dtype=np.uint32)
    assert (handles.several(backwards) == table[chosen[::-1]]).all()
    assert list(map(bytes, handles.each(backwards))) == [table[at].tobytes() for at in chosen[::-1]]
    assert (np.concatenate(list(handles.pieces())) == table).all()


def test_handles_come_in_order_however_many_are_asked_for() -> None:
    table = np.random.default_rng(2).integers(0, 256, (20_000, HANDLE_BYTES), dtype=np.uint8)
    records = np.random.default_rng(3).permutation(20_000).astype(np.uint32)
    handles = Handles.whole("schools", table)
    assert b"".join(handles.each(records)) == table[records].tobytes()
