"""The handle map: one random handle a record, kept, and sealed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from encoding.handles import (
    SEGMENT_RECORDS,
    HandleMap,
    MapKeys,
    RecordKeys,
    derive_map_keys,
    empty_map,
    read_handle_map,
    record_keys,
    write_handle_map,
)
from hypothesis import given
from hypothesis import strategies as st

from encoding.errors import HandleMapError

KEYS = derive_map_keys(bytes(32), "foster-pupils", 1)
few_numbers = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12)


def keys_of(pairs: list[tuple[int, int]]) -> RecordKeys:
    array = np.array(pairs, dtype=np.uint64).reshape(-1, 2)
    return RecordKeys(array[:, 0].copy(), array[:, 1].copy())


def as_dict(handle_map: HandleMap) -> dict[tuple[int, int], bytes]:
    pairs = zip(handle_map.keys.high.tolist(), handle_map.keys.low.tolist(), strict=True)
    return {pair: handle.tobytes() for pair, handle in zip(pairs, handle_map.handles, strict=True)}


@given(st.lists(few_numbers, max_size=4), few_numbers)
def test_map_answers_like_a_dictionary(batches: list[list[tuple[int, int]]], asked) -> None:
    handle_map = empty_map("foster-pupils", 1)
    twin: dict[tuple[int, int], bytes] = {}
    for batch in batches:
        handle_map = handle_map.with_handles_for(keys_of(batch))
        grown = as_dict(handle_map)
        assert grown.keys() == twin.keys() | set(batch)
        assert twin.items() <= grown.items()
        twin = grown
    found = handle_map.find(keys_of(asked))
    assert found.known.tolist() == [pair in twin for pair in asked]
    assert [h.tobytes() for h in found.handles] == [twin.get(pair, bytes(16)) for pair in asked]


@given(few_numbers)
def test_map_is_in_order_of_record_keys(batch: list[tuple[int, int]]) -> None:
    handle_map = empty_map("foster-pupils", 1).with_handles_for(keys_of(batch))
    assert list(as_dict(handle_map)) == sorted(set(batch))


def test_handles_are_all_different() -> None:
    handle_map = some_map(5000)
    assert len({handle.tobytes() for handle in handle_map.handles}) == 5000


def test_record_id_counts_to_the_letter() -> None:
    keys = record_keys(KEYS, ["7", "07", "7 ", "É", "E\u0301", ""])
    assert len(set(zip(keys.high.tolist(), keys.low.tolist(), strict=True))) == 6


def test_other_project_or_epoch_has_other_record_keys() -> None:
    others = [
        derive_map_keys(bytes(32), "other", 1),
        derive_map_keys(bytes(32), "foster-pupils", 2),
    ]
    keys = {int(record_keys(each, ["7"]).high[0]) for each in [KEYS, *others]}
    assert len(keys) == 3


@pytest.mark.parametrize("n_records", [0, 1, SEGMENT_RECORDS, SEGMENT_RECORDS + 1])
def test_written_map_reads_back(tmp_path: Path, n_records: int) -> None:
    handle_map = some_map(n_records)
    write_handle_map(tmp_path / "map", handle_map, KEYS)
    assert as_dict(read_back(tmp_path / "map")) == as_dict(handle_map)


def test_missing_file_is_an_empty_map(tmp_path: Path) -> None:
    assert len(read_back(tmp_path / "none")) == 0


def test_map_takes_32_bytes_a_record(tmp_path: Path) -> None:
    write_handle_map(tmp_path / "map", some_map(100_000), KEYS)
    assert (tmp_path / "map").stat().st_size < 100_000 * 32.1


def test_file_shows_neither_record_ids_nor_handles(tmp_path: Path) -> None:
    handle_map = empty_map("foster-pupils", 1).with_handles_for(record_keys(KEYS, ["CANARY-77"]))
    write_handle_map(tmp_path / "map", handle_map, KEYS)
    raw = (tmp_path / "map").read_bytes()
    assert b"CANARY-77" not in raw
    assert handle_map.handles.tobytes() not in raw


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "map"
    write_handle_map(path, some_map(2), KEYS)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(HandleMapError):
            read_back(path)


@pytest.mark.parametrize(
    "change", [lambda raw: raw[:-1], lambda raw: raw + b"x", lambda raw: raw[:0]]
)
def test_shortened_or_lengthened_file_is_noticed(tmp_path: Path, change) -> None:
    path = tmp_path / "map"
    write_handle_map(path, some_map(3), KEYS)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(HandleMapError):
        read_back(path)


def test_swapped_segments_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "map"
    write_handle_map(path, some_map(2 * SEGMENT_RECORDS), KEYS)
    raw = path.read_bytes()
    size = SEGMENT_RECORDS * 32 + 28
    path.write_bytes(raw[: -2 * size] + raw[-size:] + raw[-2 * size : -size])
    with pytest.raises(HandleMapError, match="damaged"):
        read_back(path)


def test_map_under_another_workspace_key_is_refused(tmp_path: Path) -> None:
    write_handle_map(tmp_path / "map", some_map(3), KEYS)
    with pytest.raises(HandleMapError, match="another workspace key"):
        read_back(tmp_path / "map", derive_map_keys(b"\1" * 32, "foster-pupils", 1))


def test_map_of_another_epoch_is_refused(tmp_path: Path) -> None:
    write_handle_map(tmp_path / "map", some_map(3), KEYS)
    with pytest.raises(HandleMapError, match="another project or epoch"):
        read_handle_map(tmp_path / "map", "foster-pupils", 2, KEYS)


def test_huge_stated_count_costs_no_memory(tmp_path: Path) -> None:
    (tmp_path / "map").write_bytes(
        b'blindlink-handles/1\n{"epoch":1,"project":"foster-pupils","records":999999999999}\n'
    )
    with pytest.raises(HandleMapError, match="shorter or longer"):
        read_back(tmp_path / "map")


def test_keys_do_not_print_themselves() -> None:
    assert "\\x" not in repr(KEYS)
    assert repr(KEYS) == "MapKeys(...)"


def some_map(n_records: int) -> HandleMap:
    keys = record_keys(KEYS, [str(number) for number in range(n_records)])
    return empty_map("foster-pupils", 1).with_handles_for(keys)


def read_back(path: Path, keys: MapKeys = KEYS) -> HandleMap:
    return read_handle_map(path, "foster-pupils", 1, keys)
