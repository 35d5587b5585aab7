from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import RefusedError
from app.extras.anonlink.clk_json import MAX_TOKEN_BYTES, ClkReader


class Kept:
    def __init__(self) -> None:
        self.clks: list[bytes] = []
        self.blocks: list[tuple[int, str]] = []

    def add_clk(self, clk: bytes) -> None:
        self.clks.append(clk)

    def add_block(self, row: int, block: str) -> None:
        self.blocks.append((row, block))


def read(raw: bytes, size: int = 1 << 20) -> Kept:
    kept = Kept()
    reader = ClkReader(kept)
    for start in range(0, len(raw), size):
        reader.feed(raw[start : start + size])
    reader.close()
    return kept


def text(clk: bytes) -> str:
    return base64.b64encode(clk).decode()


CLKS = st.lists(st.binary(min_size=1, max_size=9), max_size=6)
BLOCK = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.integers(-9, 99)


@given(CLKS, st.integers(1, 9), st.sampled_from(["clks", "encodings"]), st.sampled_from([None, 1]))
def test_it_reads_what_a_whole_reader_reads_however_it_is_cut(
    clks: list[bytes], size: int, name: str, indent: int | None
) -> None:
    raw = json.dumps({name: [text(clk) for clk in clks]}, indent=indent).encode()
    assert read(raw, size).clks == clks


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=5), st.lists(BLOCK, max_size=3))),
    st.integers(1, 9),
    st.booleans(),
)
def test_blocks_are_read_beside_the_clks_or_with_them(
    rows: list[tuple[bytes, list[Any]]], size: int, is_apart: bool
) -> None:
    document: dict[str, Any] = {"clknblocks": [[text(clk), *blocks] for clk, blocks in rows]}
    if is_apart:
        document = {
            "blocks": {str(row): blocks for row, (_, blocks) in enumerate(rows)},
            "encodings": [text(clk) for clk, _ in rows],
        }
    kept = read(json.dumps(document).encode(), size)
    assert kept.clks == [clk for clk, _ in rows]
    assert kept.blocks == [
        (row, str(block)) for row, (_, blocks) in enumerate(rows) for block in blocks
    ]


def test_an_escaped_slash_is_a_slash() -> None:
    assert read(b'{"clks": ["\\/\\/8="]}').clks == [b"\xff\xff"]


def test_what_is_not_whole_json_of_a_known_form_is_refused() -> None:
    for raw in (
        *(b"", b"{", b"[]", b"null", b'{"clks"}', b'{"clks": }', b'{"clks": ["AA=="'),
        *(b'{"clks": ["AA=="]} {}', b'{"clks": ["AA=="]}x', b'{"clks": ["AA==",]}'),
        *(b'{"clks": ["AA==" "AA=="]}', b'{"clks": [1]}', b'{"clks": [["AA=="]]}', b'{"clks": 1}'),
        *(b'{"clks": ["AA=="], "clks": ["AA=="]}', b'{"clks": ["AA=="],}', b"{'clks': []}"),
        *(b'{"clks": ["AA==\n"]}', b'{"clks": NaN}', b'{"clknblocks": ["AA=="]}', b'{"clks": [}'),
        *(b'{"clknblocks": [["AA==", 1.5]]}', b'{"clknblocks": [["AA==", null]]}'),
        *(b'{"clks": ["\\ud800"]}', b'{"\\ud800": []}', b'{"clks": ["\xff"]}'),
        *(b'{"blocks": {"0"}}', b'{"clks": ["' + b"A" * MAX_TOKEN_BYTES),
    ):
        # Byte by byte a token that has no end would be looked through as often as it has bytes.
        for size in (1, 7, 1 << 20) if len(raw) < 100 else (1 << 10, 1 << 20):
            with pytest.raises(RefusedError) as caught:
                read(raw, size)
            assert caught.value.status == 400, raw


def test_what_breaks_a_rule_of_clks_is_refused() -> None:
    for raw in (
        *(b'{"clks": ["AA="]}', b'{"clks": ["A A="]}', b'{"clks": ["_-=="]}'),
        *(b'{"other": ["AA=="]}', b'{"clks": ["AA=="], "encodings": []}'),
        *(b'{"blocks": {"0": ["1"]}}', b'{"encodings": {"file": {}}}'),
        *(b'{"blocks": {"-1": ["1"]}}', b'{"blocks": {"x": ["1"]}}'),
        b'{"blocks": {"99999999999": ["1"]}}',
    ):
        with pytest.raises(RefusedError) as caught:
            read(raw)
        assert caught.value.code == "clks-refused", raw


def test_no_more_than_a_token_is_held() -> None:
    kept = Kept()
    reader = ClkReader(kept)
    reader.feed(b'{"clks": [')
    for _ in range(100):
        reader.feed(b' "AAAA",' * 50)
        assert len(reader._waiting) < 16
    assert len(kept.clks) == 5_000
