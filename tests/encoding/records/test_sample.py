"""A sample holds whole records, the same ones whatever the order and size of the chunks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from encoding.records.sample import RecordSampler, Sample

ROWS = st.lists(
    st.tuples(st.sampled_from(["", *map(str, range(12))]), st.integers(0, 99).map(str)), max_size=40
)


def draw(rows: list[tuple[str, str]], n_records: int, chunk: int = 100, seed: str = "s") -> Sample:
    sampler = RecordSampler(n_records, ["cell"], seed)
    for start in range(0, len(rows), chunk):
        some = rows[start : start + chunk]
        sampler.add([row[0] for row in some], {"cell": [row[1] for row in some]})
    return sampler.sample()


@given(ROWS, st.integers(1, 15), st.integers(1, 7))
def test_every_record_comes_with_all_of_its_rows(
    rows: list[tuple[str, str]], n_records: int, chunk: int
) -> None:
    found = draw(rows, n_records, chunk)
    ids = {row[0] for row in rows if row[0]}
    n_found = len(set(found.record.tolist()))
    assert n_found == min(n_records, len(ids))
    by_record: dict[str, list[str]] = {}
    for record_id, cell in rows:
        by_record.setdefault(record_id, []).append(cell)
    drawn = [
        [found.columns["cell"][row] for row in np.flatnonzero(found.record == number)]
        for number in range(n_found)
    ]
    assert all(cells in list(by_record.values()) for cells in drawn)
    assert (np.diff(found.record) >= 0).all()


@given(ROWS, st.integers(1, 15), st.integers(1, 7))
def test_the_size_of_the_chunks_changes_nothing(
    rows: list[tuple[str, str]], n_records: int, chunk: int
) -> None:
    one, other = draw(rows, n_records, chunk), draw(rows, n_records)
    assert one.columns == other.columns
    assert one.record.tolist() == other.record.tolist()


def test_another_seed_chooses_other_records() -> None:
    rows = [(str(n), str(n)) for n in range(200)]
    assert draw(rows, 20).columns != draw(rows, 20, seed="t").columns


def test_rows_without_a_record_id_are_not_taken() -> None:
    assert not len(draw([("", "a")], 5).record)
