"""What is remembered of records, as columns: link IDs, names, and names that were rejected."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoding.packing.handles import MapName, draw_handles, key_text, keys_of_texts
from encoding.packing.memory import (
    Memory,
    MemoryColumns,
    Rejections,
    memory_key,
    record_digest,
    record_name,
)
from encoding.profiles.catalog import shipped_profile
from schemas.linkage.profile import memory_columns

PROFILE = shipped_profile("children")
KEY = memory_key(bytes(range(32)), "demo")
RECORDS = [f"{number:032x}" for number in (7, 1, 2**127, 300)]
LINKED = ("linked_before_1", "linked_before_2")
REJECTED = ("rejected_before_1", "rejected_before_2", "rejected_before_3")
MANY = np.array([False, True, False, False])


def columns_of(
    memory: Memory, names: list[str], numbers: list[int], repeated: Any = MANY
) -> dict[str, list[str]]:
    handles = draw_handles(MapName("demo", 1, "k12"), keys_of_texts(RECORDS))
    made = MemoryColumns(PROFILE, memory, handles, repeated)
    found = made.of({"first_name": names}, np.array(numbers, dtype=np.uint32))
    assert set(found) == {*memory_columns(PROFILE)}
    # Numbers follow the handles, which are random.
    of_number = handles.by_handle()
    keys = [key_text(handles.keys, int(of_number[number])) for number in numbers]
    return {**found, "key": keys}


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=9))
def test_record_keys_come_back_from_their_texts(keys: list[bytes]) -> None:
    texts = [key.hex() for key in keys]
    found = keys_of_texts(texts)
    assert [key_text(found, place) for place in range(len(texts))] == texts


def test_a_linked_record_has_its_link_id_in_both_columns_and_no_other_has() -> None:
    links = {RECORDS[0]: "ab" * 16, RECORDS[2]: "cd" * 16, "f" * 32: "ee" * 16}
    found = columns_of(Memory(KEY, links), ["A", "B", "C", "D"], [0, 1, 2, 3])
    assert found[LINKED[0]] == [links.get(key, "") for key in found["key"]]
    assert found[LINKED[1]] == found[LINKED[0]]
    assert all(not any(found[name]) for name in REJECTED)


def test_a_named_record_has_a_part_of_its_name_in_each_column() -> None:
    found = columns_of(Memory(KEY, is_named=True), ["A", "B", "C", "D"], [0, 1, 2, 3])
    for row, name in enumerate("ABCD"):
        digest = record_digest(KEY, {"first_name": [name]}, [0])
        expected = record_name(KEY, found["key"][row], digest)
        assert "".join(found[column][row] for column in REJECTED) == expected


def test_names_last_until_the_record_changes() -> None:
    one, same, edited = (
        columns_of(Memory(KEY, is_named=True), names, [0, 1, 2, 3])
        for names in (["A"] * 4, ["A"] * 4, ["B"] * 4)
    )
    names = [
        dict(zip(found["key"], zip(*(found[name] for name in REJECTED), strict=True), strict=True))
        for found in (one, same, edited)
    ]
    assert names[0] == names[1]
    assert all(names[0][key] != names[2][key] for key in RECORDS)


@pytest.mark.parametrize("n_rejected", [1, 2, 3, 5])
def test_a_rejection_is_in_the_columns_in_which_the_other_side_has_that_name(
    n_rejected: int,
) -> None:
    digest = record_digest(KEY, {"first_name": ["A"]}, [0])
    names = tuple(f"{number:012x}" for number in range(n_rejected))
    rejected = {RECORDS[3]: Rejections(digest, names)}
    found = columns_of(Memory(KEY, rejected=rejected), ["A"] * 4, [0, 1, 2, 3])
    for row, key in enumerate(found["key"]):
        own = [found[name][row] for name in REJECTED]
        kept = names[-3:] if key == RECORDS[3] else ()
        assert own == [name[4 * at : 4 * at + 4] for at, name in enumerate(kept)] + [""] * (
            3 - len(kept)
        )


def test_rejections_do_not_count_once_the_own_record_has_changed() -> None:
    digest = record_digest(KEY, {"first_name": ["A"]}, [0])
    rejected = {key: Rejections(digest, ("0123456789ab",)) for key in RECORDS}
    found = columns_of(Memory(KEY, rejected=rejected), ["A", "B", "A", "B"], [0, 1, 2, 3])
    assert [bool(cell) for cell in found[REJECTED[0]]] == [True, False, True, False]


def test_all_rows_of_a_record_have_what_its_first_rows_gave() -> None:
    handles = draw_handles(MapName("demo", 1, "k12"), keys_of_texts(RECORDS))
    made = MemoryColumns(PROFILE, Memory(KEY, is_named=True), handles, MANY)
    first = made.of({"first_name": ["A", "B"]}, np.array([1, 1], dtype=np.uint32))
    later = made.of({"first_name": ["C"]}, np.array([1], dtype=np.uint32))
    for name in REJECTED:
        assert first[name] == [later[name][0]] * 2


def test_nothing_is_made_for_a_profile_without_memory() -> None:
    profile = PROFILE.model_copy(update={"fields": PROFILE.fields[:3]})
    handles = draw_handles(MapName("demo", 1, "k12"), keys_of_texts(RECORDS))
    made = MemoryColumns(profile, Memory(KEY, is_named=True), handles, MANY)
    assert made.of({"first_name": ["A"]}, np.array([0], dtype=np.uint32)) == {}


def test_a_memory_does_not_show_itself() -> None:
    assert "ab" * 16 not in repr(Memory(KEY, {RECORDS[0]: "ab" * 16}))
