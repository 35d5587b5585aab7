"""Sealed rows against the vectors and the twin, and what they look like."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.block_profiles import PROFILE, block_profile, by_column, field, spelling, tag_of
from twins import bsf1
from vectors.file import read_vectors

from encoding.blocks import seal as module
from encoding.blocks.seal import Fill, RowSealer, drawn_calls, filters
from encoding.blocks.siphash import siphash
from encoding.blocks.values import FilterTexts, ValueTables
from schemas.linkage.fields import Lane
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.row_layout import row_layout

GOOD = read_vectors("bsf1")["good"]
LETTERS = st.text(st.sampled_from("ABCDEFGÑ '\0"), max_size=14)
VALUES = st.fixed_dictionaries(dict.fromkeys(spelling(), LETTERS))


class GivenFill(Fill):
    """Fills every row with the same bytes, as the vectors do."""

    def __init__(self, filler: bytes) -> None:
        self._filler = filler

    def of_rows(self, named: bytes) -> bytes:
        return self._filler * (len(named) // 20)


def sealed(
    rows: list[dict[str, str]],
    row_keys: bytes,
    fill: Fill,
    profile: EncodingProfile | None = None,
    tokens: bytes | None = None,
) -> list[bytes]:
    profile = profile or block_profile()
    tables = ValueTables(profile)
    lines = tables.lines(by_column(rows))
    keys = np.frombuffer(row_keys, dtype=np.uint8).reshape(-1, 16)
    named = np.frombuffer(tokens or bytes(len(row_keys)), dtype=np.uint8).reshape(-1, 16)
    numbers = np.arange(len(rows), dtype=np.uint32)
    found = RowSealer(profile, tables).seal(lines, keys, named, numbers, fill)
    return [row.tobytes() for row in found]


@pytest.mark.parametrize("vector", GOOD["row"], ids=lambda vector: vector["name"])
def test_a_row_is_that_of_the_vectors(vector: dict[str, str]) -> None:
    fill = GivenFill(bytes.fromhex(vector["filler_hex"]))
    (row,) = sealed([vector["columns"]], bytes.fromhex(vector["row_key_hex"]), fill)
    assert row.hex() == vector["sealed_hex"]


@pytest.mark.parametrize("vector", GOOD["remembered_row"], ids=lambda vector: vector["name"])
def test_a_remembered_row_is_that_of_the_vectors(vector: dict[str, str]) -> None:
    fill = GivenFill(bytes.fromhex(vector["filler_hex"]))
    profile = EncodingProfile.from_json(GOOD["remembering_profile"])
    (row,) = sealed([vector["columns"]], bytes.fromhex(vector["row_key_hex"]), fill, profile)
    assert row.hex() == vector["sealed_hex"]


def test_a_row_does_not_show_whether_anything_is_remembered() -> None:
    profile = EncodingProfile.from_json(GOOD["remembering_profile"])
    nothing = dict.fromkeys(profile.columns, "")
    key = bytes(range(16))
    # Rows of one cell share pad and row key: where both have a value they are alike, else they are random.
    rows = [
        sealed([nothing | remembered], key, GivenFill(bytes([n]) * 64), profile)[0]
        for n, remembered in enumerate(({}, {}, {"linked_before_1": "a", "linked_before_2": "a"}))
    ]
    layout = row_layout(profile)
    assert [number for number, _ in layout.presence] == [0]
    memory = [placed.offset for placed in layout.tags if placed.field]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert all(rows[one][at : at + 2] != rows[other][at : at + 2] for at in memory)


@pytest.mark.parametrize("vector", GOOD["filter"], ids=lambda vector: vector["name"])
def test_a_filter_is_that_of_the_vectors(vector: dict[str, str]) -> None:
    texts = FilterTexts(Lane(column="first_name", kind="filter", linkage=vector["linkage"]))
    texts.numbers([vector["text"]])
    drawn = drawn_calls(texts.calls(), np.array([1, 0, 1], dtype=np.int32))
    low, high = np.frombuffer(bytes.fromhex(vector["row_key_hex"]), dtype="<u8").tolist()
    n = len(drawn.words)
    hashed = siphash(np.full(n, low, np.uint64), np.full(n, high, np.uint64), drawn.words)
    found = filters([drawn], hashed)
    assert [int(one).to_bytes(8, "little").hex() for one in found[0]] == [
        vector["filter_hex"],
        "00" * 8,
        vector["filter_hex"],
    ]


@settings(max_examples=40)
@given(st.lists(VALUES, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_rows_are_those_of_the_twin(rows: list[dict[str, str]], random: object) -> None:
    keys = random.randbytes(16 * len(rows))  # type: ignore[attr-defined]
    tokens = random.randbytes(16 * len(rows))  # type: ignore[attr-defined]
    own = random.randbytes(32)  # type: ignore[attr-defined]
    found = sealed(rows, keys, Fill(own), tokens=tokens)
    for number, (columns, row) in enumerate(zip(rows, found, strict=True)):
        named = tokens[16 * number :][:16] + number.to_bytes(4, "little")
        filler = bsf1.b2(own, 64, b"bsf1 fill", named)
        assert row == bsf1.sealed(PROFILE, keys[16 * number :][:16], columns, filler)


def test_chunks_do_not_change_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [spelling("ROSA"[: 1 + n % 4], sex="F" * (n % 2)) for n in range(41)]
    keys = bytes(n % 251 for n in range(16 * 41))
    whole = sealed(rows, keys, Fill(bytes(range(32))))
    monkeypatch.setattr(module, "CHUNK_ROWS", 7)
    assert sealed(rows, keys, Fill(bytes(range(32)))) == whole


def test_a_profile_of_tags_alone_has_rows_too() -> None:
    changes = {"fields": [field("sex", [tag_of("sex")])], "dependence": None}
    rows = [spelling(), spelling(sex=""), spelling(sex="M")]
    found = sealed(rows, bytes(48), GivenFill(bytes(64)), block_profile(**changes))
    assert found == [
        bsf1.sealed({**PROFILE, **changes}, bytes(16), columns, bytes(64)) for columns in rows
    ]


def test_no_rows_are_no_bytes() -> None:
    assert sealed([], b"", Fill(bytes(32))) == []


def test_fillers_differ_by_token_by_record_and_by_container() -> None:
    names = [
        token + record.to_bytes(4, "little")
        for token in (bytes(16), b"x" * 16)
        for record in (0, 1)
    ]
    fills = [Fill(key).of_rows(b"".join(names)) for key in (b"a" * 32, b"b" * 32)]
    pieces = [fill[at : at + 64] for fill in fills for at in range(0, len(fill), 64)]
    assert len(set(pieces)) == 8
    assert Fill().of_rows(names[0]) != Fill().of_rows(names[0])


def test_a_filler_lies_only_where_a_value_is_missing() -> None:
    layout = row_layout(block_profile())
    sex = next(placed for placed in layout.tags if placed.lane.column == "sex")
    presence = dict(layout.presence)
    rows = [sealed([spelling(sex="")], bytes(16), GivenFill(bytes([n]) * 64))[0] for n in (0, 255)]
    differing = [at for at, (x, y) in enumerate(zip(*rows, strict=True)) if x != y]
    # The double surname and the middle initial, whose field is missing with it, are missing as well.
    missing = {placed.offset for placed in layout.tags} - {
        placed.offset for placed in layout.tags if spelling(sex="")[placed.lane.column]
    }
    initial = next(placed for placed in layout.tags if placed.lane.column == "middle_initial")
    lanes = missing | {presence[sex.field], presence[initial.field]}
    assert sex.offset in lanes
    assert differing == sorted(at + byte for at in lanes for byte in (0, 1))


def test_about_half_of_a_filter_s_bits_are_set() -> None:
    generator = np.random.default_rng(4)
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    names = ["".join(generator.choice(letters, generator.integers(2, 13))) for _ in range(4_000)]
    texts = FilterTexts(Lane(**PROFILE["fields"][0]["lanes"][0]))
    numbers = np.array(texts.numbers(names), dtype=np.int32)
    drawn = drawn_calls(texts.calls(), numbers)
    keys = generator.integers(0, 2**64, (2, len(names)), dtype=np.uint64)
    hashed = siphash(np.repeat(keys[0], drawn.n), np.repeat(keys[1], drawn.n), drawn.words)
    bits = np.bitwise_count(filters([drawn], hashed)[0])
    # 1 - (63/64)^44 = .49990; the standard deviation of the mean is about .0006.
    assert abs(bits.mean() / 64 - 0.4999) < 0.003
    # A filter does not show how long the name is.
    short = bits[[len(name) < 4 for name in names]].mean() / 64
    assert abs(short - 0.4999) < 0.01
