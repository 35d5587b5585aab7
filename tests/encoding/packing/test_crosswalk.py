"""Known pairs: read from a file, kept sealed, and the same value at both agencies."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoding.errors import InputError, WorkspaceError
from encoding.packing.crosswalk import CrosswalkFile, read_pairs, values_of
from encoding.packing.handles import derive_map_keys, key_text, record_keys

KEY = bytes(range(32))
PAIRS = {"C-1": "S-9", "C-2": "S-8", "C-3": "S-7"}


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_pairs_are_read_by_their_columns(tmp_path: Path) -> None:
    text = "case,x,pupil\r\n C-1 ,?,S-9\r\nC-2,,S-8\r\nC-1,again,S-9\r\n"
    assert read_pairs(written(tmp_path, text, "utf-8-sig"), "case", "pupil") == {
        "C-1": "S-9",
        "C-2": "S-8",
    }


def test_a_file_that_cannot_be_meant_is_refused_in_a_sentence_without_an_id(tmp_path: Path) -> None:
    head, long = "own_id,partner_id\n", "S-2" * 50_000
    for text, told in (
        ("own_id,other\nC-1,S-1\n", "no column partner_id"),
        ("", "no column own_id"),
        (f"{head}C-1,S-1\nC-1,S-2\n", "row 3: the record of own_id has a different partner"),
        (f"{head}C-1,S-1\nC-2,S-1\n", "gives 1 records of partner_id more than one partner"),
        (f"{head}C-1,S-1\n,S-2\n", "row 3: a record ID is missing"),
        (f"{head}C-1\n", "row 2: a record ID is missing"),
        (f"{head}C-1,S-1\nC-2,{long}\n", "pairs.csv, line 3, has a cell longer than 131072 char"),
        (f"own_id,{long}\n", "pairs.csv, line 1, has a cell longer"),
        (f"{head}M\xfcller,1\n", "not UTF-8"),
    ):
        with pytest.raises(InputError, match=told) as caught:
            read_pairs(written(tmp_path, text, "latin-1"), "own_id", "partner_id")
        assert not any(one in str(caught.value) for one in ("C-1", "C-2", "S-1", "S-2"))
    with pytest.raises(InputError, match="there is no file"):
        read_pairs(tmp_path / "none.csv", "own_id", "partner_id")


def test_both_agencies_have_the_same_value_for_a_pair_and_no_two_pairs_the_same() -> None:
    one, other = derive_map_keys(KEY, "demo"), derive_map_keys(KEY[::-1], "demo")
    ours = values_of(PAIRS, one, "county", "schools")
    theirs = values_of({b: a for a, b in PAIRS.items()}, other, "schools", "county")
    for own_id, other_id in PAIRS.items():
        value = ours[key_text(record_keys(one, [own_id]), 0)]
        assert value == theirs[key_text(record_keys(other, [other_id]), 0)]
    assert len(set(ours.values())) == len(PAIRS)
    # The same IDs the other way round are another pair.
    turned = values_of({"S-9": "C-1"}, one, "county", "schools")
    assert not {*turned.values()} & {*ours.values()}


def test_pairs_are_kept_sealed_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "crosswalk.sealed"
    kept = CrosswalkFile(path, "demo", "schools", KEY)
    assert kept.read() == {}
    values = values_of(PAIRS, derive_map_keys(KEY, "demo"), "county", "schools")
    kept.write(values)
    assert kept.read() == values
    assert all(value.encode() not in path.read_bytes() for value in values.values())
    kept.write({})
    assert kept.read() == {}
    with pytest.raises(WorkspaceError):
        CrosswalkFile(path, "demo", "other", KEY).read()
