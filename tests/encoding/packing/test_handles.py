"""The handle map: one random handle a record of one container, and sealed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from samples.refusals import raises

from encoding.errors import HandleMapError, ReleaseError
from encoding.packing.handles import (
    SEGMENT_RECORDS,
    HandleMap,
    MapKeys,
    MapName,
    RecordKeys,
    derive_map_keys,
    draw_handles,
    key_text,
    read_handle_map,
    record_keys,
    write_handle_map,
)
from encoding.transfers.matches import keys_of_handles
from schemas.documents.ids import Handle

KEYS = derive_map_keys(bytes(32), "foster-pupils")
NAME = MapName("foster-pupils", 3, "schools")
few_numbers = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12)


def keys_of(pairs: list[tuple[int, int]]) -> RecordKeys:
    array = np.array(pairs, dtype=np.uint64).reshape(-1, 2)
    return RecordKeys(array[:, 0].copy(), array[:, 1].copy())


def as_dict(handle_map: HandleMap) -> dict[tuple[int, int], bytes]:
    pairs = zip(handle_map.keys.high.tolist(), handle_map.keys.low.tolist(), strict=True)
    return {pair: handle.tobytes() for pair, handle in zip(pairs, handle_map.handles, strict=True)}


@given(few_numbers, few_numbers)
def test_map_answers_like_a_dictionary(drawn: list[tuple[int, int]], asked) -> None:
    handle_map = draw_handles(NAME, keys_of(drawn))
    twin = as_dict(handle_map)
    assert list(twin) == sorted(set(drawn))
    found = handle_map.find(keys_of(asked))
    assert found.known.tolist() == [pair in twin for pair in asked]
    assert [h.tobytes() for h in found.handles] == [twin.get(pair, bytes(16)) for pair in asked]


@given(few_numbers.filter(len))
def test_numbers_are_places_in_the_order_of_handles(drawn: list[tuple[int, int]]) -> None:
    handle_map = draw_handles(NAME, keys_of(drawn))
    table = sorted(as_dict(handle_map).values())
    assert [table.index(h.tobytes()) for h in handle_map.handles] == handle_map.numbers().tolist()
    assert [handle_map.handles[place].tobytes() for place in handle_map.by_handle()] == table


@given(few_numbers)
def test_the_way_back_from_a_handle_is_the_key_of_its_record(drawn: list[tuple[int, int]]) -> None:
    handle_map = draw_handles(NAME, keys_of(drawn))
    twin = {
        Handle(handle): f"{high:016x}{low:016x}"
        for (high, low), handle in as_dict(handle_map).items()
    }
    assert keys_of_handles(handle_map, twin) == twin
    with raises(ReleaseError, match="1 handles that this agency has not sent"):
        keys_of_handles(handle_map, [*twin, Handle(bytes(16))])


def test_handles_are_all_different_and_others_in_each_container() -> None:
    one, other = (as_dict(some_map(5000)) for _ in range(2))
    assert one.keys() == other.keys()
    assert len({*one.values(), *other.values()}) == 10_000


def test_record_id_counts_to_the_letter() -> None:
    keys = record_keys(KEYS, ["7", "07", "7 ", "É", "E\u0301", ""])
    assert len(set(zip(keys.high.tolist(), keys.low.tolist(), strict=True))) == 6


def test_a_record_keeps_its_key_in_a_project_and_has_another_elsewhere() -> None:
    others = [derive_map_keys(bytes(32), "other"), derive_map_keys(b"\1" * 32, "foster-pupils")]
    again = derive_map_keys(bytes(32), "foster-pupils")
    keys = {key_text(record_keys(each, ["7"]), 0) for each in [KEYS, again, *others]}
    assert len(keys) == 3


def test_written_map_reads_back_in_32_bytes_a_record(tmp_path: Path) -> None:
    path = tmp_path / "map"
    with raises(HandleMapError, match="no handles of round 3 for schools") as caught:
        read_back(path)
    assert "restore it from its backup" in (caught.value.hint or "")
    for n_records in (0, 1, SEGMENT_RECORDS, SEGMENT_RECORDS + 1):
        handle_map = some_map(n_records)
        write_handle_map(path, handle_map, KEYS)
        assert as_dict(read_back(path)) == as_dict(handle_map), n_records
    write_handle_map(path, some_map(100_000), KEYS)
    assert path.stat().st_size < 100_000 * 32.1


def test_file_shows_neither_record_ids_nor_handles(tmp_path: Path) -> None:
    handle_map = draw_handles(NAME, record_keys(KEYS, ["CANARY-77"]))
    write_handle_map(tmp_path / "map", handle_map, KEYS)
    raw = (tmp_path / "map").read_bytes()
    assert b"CANARY-77" not in raw
    assert handle_map.handles.tobytes() not in raw
    assert repr(KEYS) == "MapKeys(...)"


def test_every_flipped_byte_another_length_and_swapped_segments_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "map"
    write_handle_map(path, some_map(2), KEYS)
    whole = path.read_bytes()
    flipped = [
        whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        for place in range(len(whole))
    ]
    for changed in (*flipped, whole[:-1], whole + b"x", b""):
        path.write_bytes(changed)
        with raises(HandleMapError):
            read_back(path)
    write_handle_map(path, some_map(2 * SEGMENT_RECORDS), KEYS)
    raw = path.read_bytes()
    size = SEGMENT_RECORDS * 32 + 28
    path.write_bytes(raw[: -2 * size] + raw[-size:] + raw[-2 * size : -size])
    with raises(HandleMapError, match="damaged"):
        read_back(path)
    # A huge count that is stated costs no memory.
    path.write_bytes(
        b'blindlink/handles/2\n{"partner":"schools","project":"foster-pupils","records":999999999999,'
        b'"round":3}\n'
    )
    with raises(HandleMapError, match="shorter or longer"):
        read_back(path)


def test_map_of_another_container_or_under_another_workspace_key_is_refused(tmp_path: Path) -> None:
    write_handle_map(tmp_path / "map", some_map(3), KEYS)
    with raises(HandleMapError, match="another workspace key"):
        read_back(tmp_path / "map", derive_map_keys(b"\1" * 32, "foster-pupils"))
    for other in (
        NAME._replace(round=4),
        NAME._replace(partner="health"),
        NAME._replace(project="others"),
    ):
        with raises(HandleMapError, match="another container"):
            read_handle_map(tmp_path / "map", other, KEYS)


def some_map(n_records: int) -> HandleMap:
    keys = record_keys(KEYS, [str(number) for number in range(n_records)])
    return draw_handles(NAME, keys)


def read_back(path: Path, keys: MapKeys = KEYS) -> HandleMap:
    return read_handle_map(path, NAME, keys)
