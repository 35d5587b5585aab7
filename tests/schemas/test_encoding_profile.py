"""The encoding profile of block-salted rows: what it takes, what it refuses, what its digest covers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.block_profiles import FIELDS, PASSES, PROFILE, block_profile, filter_of, tag_of
from vectors.file import read_vectors

from schemas.errors import DocumentError
from schemas.profile import ROW_BYTES, EncodingProfile
from schemas.row_layout import row_layout

BAD = read_vectors("bsf1")["bad"]["profile"]
PATHS: list[tuple[tuple[str | int, ...], Any]] = [
    (("name",), "pupils"),
    (("recipe",), {"steps": 1}),
    (("fields", 0, "name"), "given-name"),
    (("fields", 3, "lanes", 0, "column"), "gender"),
    (("fields", 0, "lanes", 0, "linkage"), filter_of("first_name", draws=43)["linkage"]),
    (("fields", 1, "levels", 0, "name"), "equal"),
    (("fields", 1, "levels", 0, "any_of", 0, 0, "within"), 3),
    (("fields", 2, "twins"), 949),
    (("passes", 0, "name"), "any-three"),
    (("passes", 1, "keys", 0, 0, 0), "first_name_canonical"),
    (("alias_keys", "larger"), 3),
    (("alias_keys", "smaller"), 3),
    (("block_cap",), 5),
    (("strength",), 301),
    (("twin_strength",), 31),
    (("twins_per_million",), 5_001),
    (("dependence", "published"), 901),
    (("dependence", "levels", 0, "levels"), ["same", "other"]),
    (("dependence",), None),
]


def with_value(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    document: Any = json.loads(json.dumps(PROFILE))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    # A changed name is changed wherever it is named.
    text = json.dumps(document)
    if path[-1] == "column":
        text = text.replace('{"lane": "sex"', f'{{"lane": "{value}"')
    if path == ("fields", 0, "name"):
        text = text.replace('{"field": "first-name"', f'{{"field": "{value}"')
    if path == ("fields", 1, "levels", 0, "name"):
        text = text.replace('"surname", "levels": ["same"]', f'"surname", "levels": ["{value}"]')
    return json.loads(text)  # type: ignore[no-any-return]


def test_a_profile_is_read_and_written_to_the_byte() -> None:
    profile = block_profile()
    raw = profile.to_canonical()
    assert json.loads(raw) == PROFILE
    assert EncodingProfile.from_canonical(raw) == profile


@pytest.mark.parametrize("vector", BAD, ids=lambda vector: vector["name"])
def test_a_bad_profile_is_refused(vector: dict[str, Any]) -> None:
    members = {key: value for key, value in PROFILE.items() if key not in vector["without"]}
    with pytest.raises(DocumentError) as caught:
        EncodingProfile.from_json({**members, **json.loads(vector["changed"])})
    assert str(caught.value).startswith("encoding profile: ")


@pytest.mark.parametrize(
    ("path", "value"), PATHS, ids=[".".join(map(str, path)) for path, _ in PATHS]
)
def test_every_member_is_under_the_digest(path: tuple[str | int, ...], value: Any) -> None:
    assert EncodingProfile.from_json(with_value(path, value)).digest() != block_profile().digest()


def test_the_weights_of_a_level_are_under_the_digest() -> None:
    for member, by in (("m", 1), ("u", 1)):
        document = json.loads(json.dumps(PROFILE))
        first, last = document["fields"][3]["levels"]
        first[member] += by
        last[member] -= by
        assert EncodingProfile.from_json(document).digest() != block_profile().digest()


@pytest.mark.parametrize("members", ["fields", "passes"])
def test_the_order_of_fields_and_passes_is_under_the_digest(members: str) -> None:
    turned = block_profile(**{members: PROFILE[members][::-1]})
    assert turned.digest() != block_profile().digest()


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
