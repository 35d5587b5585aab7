"""The handles that something is made of, out of a table that comes in pieces."""

from __future__ import annotations

import numpy as np
import pytest

from app.uploads.reader import Handles, each_handle, handles_of
from schemas.documents.ids import HANDLE_BYTES

CHOSEN: list[list[int]] = [[], [0], [9], [2, 3, 4], [0, 3, 9], list(range(10))]


@pytest.mark.parametrize("chosen", CHOSEN)
@pytest.mark.parametrize("cuts", [[], [3], [3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9]])
def test_rows_get_the_handles_of_the_whole_table_however_both_are_cut(
    chosen: list[int], cuts: list[int]
) -> None:
    table = np.random.default_rng(1).integers(0, 256, (10, HANDLE_BYTES), dtype=np.uint8)
    handles = Handles("schools", 10, lambda: iter(np.split(table, cuts)))
    rows = np.zeros(len(chosen), dtype=[("record", "<u4"), ("number", "<i8")])
    rows["record"], rows["number"] = chosen, np.arange(len(chosen)) + 70
    for parts in range(1, 4):
        joined = list(handles.joined(np.array_split(rows, parts), "record"))
        assert [one for some, _ in joined for one in some.tolist()] == rows.tolist()
        assert [one.tobytes() for _, of in joined for one in of] == [
            table[at].tobytes() for at in chosen
        ]
    assert (handles_of(handles, rows["record"][::-1]) == table[chosen[::-1]]).all()


def test_handles_come_in_order_however_many_there_are() -> None:
    table = np.random.default_rng(2).integers(0, 256, (20_000, HANDLE_BYTES), dtype=np.uint8)
    assert b"".join(each_handle(table)) == table.tobytes()
