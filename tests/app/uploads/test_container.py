"""The streamed check of a container against a twin that holds it all and looks at one rule at a time."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from app.uploads.container import ExpectedContainer, check_container
from hypothesis import given
from hypothesis import strategies as st
from oracles.containers import (
    Row,
    build_container,
    header_of,
    random_rows,
    slow_verdict,
    some_encoding,
)

from app.uploads.errors import UploadRejectedError
from schemas.upload import parse_header, serialise_header

MAX_VARIANTS = 3
WEIGHTS = (2, 15)


def expected_of(rows: list[Row], content: bytes, **fields: object) -> ExpectedContainer:
    header = header_of(rows, **fields)
    return ExpectedContainer(
        header, hashlib.sha256(content).hexdigest(), len(content), MAX_VARIANTS, *WEIGHTS
    )


def pieces_of(content: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        yield content[at : at + size]
        at += size
    yield content[at:]


def verdict(content: bytes, expected: ExpectedContainer, sizes: list[int] | None = None) -> str:
    """Return the code of the rule that the check found broken, or nothing."""
    try:
        check_container(pieces_of(content, sizes or []), expected)
    except UploadRejectedError as exc:
        return exc.code
    return ""


def twin(content: bytes, expected: ExpectedContainer) -> set[str]:
    return slow_verdict(
        content,
        expected.header,
        expected.sha256,
        expected.size_bytes,
        MAX_VARIANTS,
        WEIGHTS,
    )


some_rows = st.builds(
    lambda seed, n: random_rows(random.Random(seed), n, most_variants=MAX_VARIANTS),
    st.integers(0, 2**32),
    st.integers(1, 12),
)
some_sizes = st.lists(st.integers(0, 60), max_size=30)


@given(some_rows, some_sizes)
def test_a_good_container_is_taken_however_it_is_cut(rows: list[Row], sizes: list[int]) -> None:
    content = build_container(rows)
    assert verdict(content, expected_of(rows, content), sizes) == ""


@given(some_rows, some_sizes, st.data())
def test_rows_with_anything_changed_are_judged_as_the_twin_judges(
    rows: list[Row], sizes: list[int], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    change = data.draw(st.sampled_from(["swap", "repeat", "drop", "variant", "handle", "encoding"]))
    rows = list(rows)
    if change == "swap":
        rows[at], rows[0] = rows[0], rows[at]
    elif change == "repeat":
        rows.insert(at, rows[at])
    elif change == "drop" and len(rows) > 1:
        del rows[at]
    elif change == "variant":
        rows[at] = replace(rows[at], variant=data.draw(st.integers(0, 255)))
    elif change == "handle":
        rows[at] = replace(rows[at], handle=data.draw(st.binary(min_size=16, max_size=16)))
    elif change == "encoding":
        rows[at] = replace(rows[at], encoding=data.draw(st.binary(min_size=2, max_size=2)))
    content = build_container(rows)
    expected = expected_of(rows, content)
    found, rules = verdict(content, expected, sizes), twin(content, expected)
    assert found in rules if rules else found == ""


@given(some_rows, some_sizes, st.data())
def test_one_changed_byte_never_passes(
    rows: list[Row], sizes: list[int], data: st.DataObject
) -> None:
    content = bytearray(build_container(rows))
    expected = expected_of(rows, bytes(content))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    found = verdict(bytes(content), expected, sizes)
    assert found
    assert found in twin(bytes(content), expected)


@given(some_rows, some_sizes, st.integers(1, 80))
def test_a_container_that_is_cut_short_is_refused(
    rows: list[Row], sizes: list[int], n_cut: int
) -> None:
    content = build_container(rows)
    assert verdict(content[:-n_cut], expected_of(rows, content), sizes)


@given(some_rows, some_sizes, st.binary(min_size=1, max_size=80))
def test_bytes_after_the_last_record_are_refused(
    rows: list[Row], sizes: list[int], extra: bytes
) -> None:
    content = build_container(rows)
    assert verdict(content + extra, expected_of(rows, content), sizes)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("epoch", 2, "other-epoch"),
        ("profile", "cd" * 32, "other-profile"),
        ("key_id", "f" * 16, "other-key"),
        ("records", 9, "count-differs"),
        ("encodings", 99, "count-differs"),
        ("project", "another-project", "header-differs"),
        ("party", "another-party", "header-differs"),
        ("encoding_bits", 24, "header-differs"),
    ],
)
def test_a_header_that_states_something_else_is_refused(
    field: str, value: object, code: str
) -> None:
    rows = random_rows(random.Random(1), 3)
    content = build_container(rows, **{field: value})
    assert verdict(content, expected_of(rows, content)) == code


@pytest.mark.parametrize(
    ("encoding", "code"),
    [
        (b"\x00\x00", "blank-encoding"),
        (b"\xff\xff", "blank-encoding"),
        (b"\x00\x01", "encoding-weight"),
    ],
)
def test_an_encoding_of_impossible_weight_is_refused(encoding: bytes, code: str) -> None:
    rows = random_rows(random.Random(2), 3)
    rows[1] = replace(rows[1], encoding=encoding)
    content = build_container(rows)
    assert verdict(content, expected_of(rows, content)) == code


def test_padding_bits_must_be_zero() -> None:
    rows = random_rows(random.Random(3), 3, bits=13)
    rows[2] = replace(rows[2], encoding=bytes([rows[2].encoding[0], rows[2].encoding[1] | 4]))
    content = build_container(rows, encoding_bits=13)
    assert verdict(content, expected_of(rows, content, encoding_bits=13)) == "padding-bits"


@pytest.mark.parametrize("bits", [8, 9, 13, 64, 65, 1024, 4095, 4096])
def test_every_width_is_taken(bits: int) -> None:
    rows = random_rows(random.Random(bits), 20, bits=bits, most_variants=2)
    content = build_container(rows, encoding_bits=bits)
    expected = replace(
        expected_of(rows, content, encoding_bits=bits), least_weight=1, most_weight=bits - 1
    )
    assert verdict(content, expected, [1000] * 5) == ""


def _with(rows: list[Row], at: int, **fields: object) -> list[Row]:
    return [*rows[:at], replace(rows[at], **fields), *rows[at + 1 :]]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda rows: [rows[1], rows[0], *rows[2:]], "record-order"),
        (lambda rows: [rows[0], rows[0], *rows[2:]], "duplicate-record"),
        (lambda rows: _with(rows, 0, variant=1), "variant-gap"),
        (lambda rows: _with(rows, 1, handle=rows[0].handle, variant=2), "variant-gap"),
    ],
)
def test_records_out_of_place_are_refused_across_the_edge_of_a_piece(
    spoil: Callable[[list[Row]], list[Row]], code: str
) -> None:
    rows = spoil(random_rows(random.Random(4), 4))
    content = build_container(rows)
    # The second record begins a piece of its own.
    edge = parse_header(content).body_offset + header_of(rows).record_bytes
    expected = expected_of(rows, content)
    assert verdict(content, expected, [edge]) == verdict(content, expected) == code


def test_more_variants_than_the_terms_allow_are_refused() -> None:
    rng = random.Random(5)
    handle = rng.randbytes(16)
    rows = [Row(handle, n, some_encoding(rng, 16)) for n in range(MAX_VARIANTS + 1)]
    content = build_container(rows)
    assert verdict(content, expected_of(rows, content)) == "too-many-variants"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"blindlink-container/2\n" + bytes(60),
        serialise_header(header_of([]))[:40],
    ],
)
def test_what_is_not_a_container_is_refused(content: bytes) -> None:
    assert verdict(content, expected_of([], content)) == "container-malformed"


def test_a_head_that_never_ends_is_read_no_further_than_a_head_can_be() -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"blindlink-container/1\n\xff\xff\xff\xff" + bytes(4096)
        raise AssertionError("read on after the head was too long")

    with pytest.raises(UploadRejectedError):
        check_container(endless(), expected_of([], b""))
