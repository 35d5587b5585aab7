"""The encoding profile of block-salted rows: what it takes, what it refuses, what its digest covers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.block_profiles import FIELDS, PASSES, block_profile, filter_of, tag_of

from schemas.documents.errors import DocumentError
from schemas.linkage.profile import ROW_BYTES
from schemas.linkage.row_layout import row_layout


def test_rows_a_record_are_those_of_its_keys_and_aliases() -> None:
    profile = block_profile(alias_keys={"larger": 2, "smaller": 4}, block_cap=4)
    assert profile.keys == 7
    assert profile.rows("larger") == 9
    assert profile.rows("smaller") == 44


def test_columns_are_those_of_lanes_then_of_passes_each_once() -> None:
    columns = block_profile().columns
    lanes = [lane["column"] for field in FIELDS for lane in field["lanes"]]
    assert list(columns[: len(lanes)]) == lanes
    assert len(set(columns)) == len(columns)
    assert set(columns[len(lanes) :]) == {
        column for one in PASSES for form in one["keys"] for part in form for column in part
    } - set(lanes)


def test_filters_come_before_tags_and_presence_last() -> None:
    layout = row_layout(block_profile())
    assert [placed.offset for placed in layout.filters] == [0, 8, 16]
    assert [placed.offset for placed in layout.tags] == list(range(24, 44, 2))
    assert layout.presence == tuple(enumerate(range(44, 56, 2)))
    assert [placed.field for placed in layout.filters] == [0, 1, 1]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=16))
def test_lanes_never_overlap_and_never_pass_the_row_s_end(kinds: list[tuple[bool, bool]]) -> None:
    fields = []
    for number, (has_filter, has_second) in enumerate(kinds):
        column = f"x{number}"
        lanes = [filter_of(column) if has_filter else tag_of(column)]
        lanes += [tag_of(f"y{number}")] * has_second
        levels = [
            {"name": "same", "any_of": [[{"lane": column, "within": 0}]], "m": 1, "u": 1},
            {"name": "other", "any_of": [], "m": 10**6 - 1, "u": 10**9 - 1},
        ]
        fields.append(
            {"name": column, "lanes": lanes, "levels": levels, "twins": 0, "memory": None}
        )
    n_bytes = sum(8 if one else 2 for one, _ in kinds) + 2 * sum(two for _, two in kinds)
    n_bytes += 2 * len(kinds)
    if n_bytes > ROW_BYTES:
        with pytest.raises(DocumentError, match="more than 64 bytes"):
            block_profile(fields=fields, dependence=None)
        return
    layout = row_layout(block_profile(fields=fields, dependence=None))
    taken = [byte for one in layout.filters for byte in range(one.offset, one.offset + 8)]
    taken += [byte for one in layout.tags for byte in (one.offset, one.offset + 1)]
    taken += [byte for _, offset in layout.presence for byte in (offset, offset + 1)]
    assert taken == list(range(n_bytes))
