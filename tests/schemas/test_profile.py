"""What follows from a profile: rows a record, columns, the layout of a row, published counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.documents import COUNTS, PROFILE, changed

from schemas.documents.errors import DocumentError
from schemas.linkage.counts import FileCounts, published_counts, require_fit
from schemas.linkage.decision_steps import LEAD_STEPS, PROBABILITY_STEPS
from schemas.linkage.profile import ROW_BYTES, EncodingProfile
from schemas.linkage.row_layout import row_layout


def profile(**changes: Any) -> EncodingProfile:
    values = PROFILE
    for path, value in changes.items():
        values = changed(values, path.replace("__", "."), value)
    return EncodingProfile.from_json(values)


def test_every_record_of_a_side_has_the_same_number_of_rows() -> None:
    plain = profile()
    assert plain.keys == 3
    assert plain.rows("larger") == 3 + 1
    assert plain.rows("smaller") == (3 + 2) * 4


def test_the_cap_counts_in_the_smaller_file_alone() -> None:
    capped = profile(block_cap=7)
    assert capped.rows("larger") == profile().rows("larger")
    assert capped.rows("smaller") == (3 + 2) * 7


def test_columns_are_those_of_lanes_and_then_of_passes_each_once() -> None:
    assert profile().columns == ("first", "nickname", "year", "month_day", "second")


def test_filters_lie_first_then_tags_then_presence() -> None:
    layout = row_layout(profile())
    assert [(one.lane.column, one.offset) for one in layout.filters] == [("first", 0)]
    tags = [(one.lane.column, one.field, one.offset) for one in layout.tags]
    assert tags == [("nickname", 0, 8), ("year", 1, 10), ("month_day", 1, 12)]
    assert layout.presence == ((0, 14), (1, 16))


def test_a_row_has_room_for_all_lanes() -> None:
    layout = row_layout(profile())
    assert layout.presence[-1][1] + 2 <= ROW_BYTES


def test_published_counts_are_those_of_the_profile() -> None:
    counts = published_counts(profile(), 1_500)
    assert [one.strangers for one in counts.fields] == [
        tuple(level["u"] for level in field["levels"]) for field in PROFILE["fields"]
    ]
    assert counts.dependence == PROFILE["dependence"]["published"]
    assert counts.twin_pairs == 45


def test_a_tiny_file_has_a_pair_of_twins_at_least() -> None:
    assert published_counts(profile(), 3).twin_pairs == 1


def test_without_a_dependence_none_is_published() -> None:
    assert published_counts(profile(dependence=None), 1_500).dependence == 0


@given(st.integers(0, 1000))
def test_twins_are_mixed_of_matches_and_strangers_as_the_page_says(twins: int) -> None:
    (first, _) = published_counts(profile(fields__0__twins=twins), 10).fields
    levels = PROFILE["fields"][0]["levels"]
    expected = [
        (1000 * twins * level["m"] + (1000 - twins) * level["u"]) // 10**6 for level in levels
    ]
    expected[-1] += 10**6 - sum(expected)
    assert list(first.twins) == expected


def test_counts_of_another_profile_are_refused() -> None:
    made = FileCounts.model_validate_json(json.dumps(COUNTS))
    require_fit(made, profile())
    with pytest.raises(DocumentError):
        require_fit(made, profile(fields__0__name="forename", dependence=None))


def test_steps_increase_and_begin_where_every_pair_is() -> None:
    assert [float(step) for step in PROBABILITY_STEPS] == sorted(map(float, PROBABILITY_STEPS))
    assert (PROBABILITY_STEPS[0], LEAD_STEPS[0]) == ("0.00", 0)
    assert list(LEAD_STEPS) == sorted(LEAD_STEPS)
