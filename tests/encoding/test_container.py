"""The container: in the order of handles, whatever the order of the file."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from encoding.container import Spool, write_body, write_container
from hypothesis import given, settings
from hypothesis import strategies as st

from encoding import container
from schemas.upload import ContainerHeader, parse_header

ENCODING_BYTES = 2


class Line(NamedTuple):
    handle: int
    encoding: int
    ordinal: int
    row: int


# Bytes 0, 1, 128 and 255 in few combinations: ties, trailing zeros and the sign bit are where sorting fails.
byte = st.sampled_from([0, 1, 128, 255])
word = st.builds(lambda high, low: high * 256 + low, byte, byte)
some_lines = st.lists(
    st.builds(Line, handle=word, encoding=word, ordinal=st.integers(0, 2), row=st.integers(1, 99)),
    max_size=30,
)


def slow_twin(lines: list[Line], max_variants: int) -> tuple[bytes, set[int], int]:
    """Return the body, the surplus rows and the number of dropped variants, by plain dictionaries."""
    records: dict[bytes, dict[bytes, tuple[int, int]]] = {}
    for line in lines:
        encodings = records.setdefault(handle_bytes(line), {})
        key = line.encoding.to_bytes(2, "big")
        encodings[key] = min(encodings.get(key, (9, 999)), (line.ordinal, line.row))
    body, surplus, n_dropped = b"", set(), 0
    for handle, encodings in sorted(records.items()):
        preferred = sorted(encodings, key=lambda key: (encodings[key][0], key))
        for number, key in enumerate(sorted(preferred[:max_variants])):
            body += handle + bytes([number]) + key
        for key in preferred[max_variants:]:
            ordinal, row = encodings[key]
            surplus |= {row} if ordinal == 0 else set()
            n_dropped += ordinal != 0
    return body, surplus, n_dropped


def handle_bytes(line: Line) -> bytes:
    return line.handle.to_bytes(2, "big") * 8


def fill(spool: Spool, lines: list[Line]) -> None:
    spool.add(
        np.frombuffer(b"".join(map(handle_bytes, lines)), np.uint8).reshape(-1, 16),
        np.array([line.ordinal for line in lines], np.uint8),
        np.array([line.row for line in lines], np.int64),
        np.array([line.encoding for line in lines], ">u2").view(np.uint8).reshape(-1, 2),
    )


def body_of(folder: Path, lines: list[Line], max_variants: int, n_expected: int = 1):
    spool_folder = folder / "spool"
    spool_folder.mkdir(exist_ok=True)
    with Spool(spool_folder, ENCODING_BYTES, n_expected) as spool:
        fill(spool, lines[:7])
        fill(spool, lines[7:])
        counts = write_body(spool, folder / "body", max_variants)
    return (folder / "body").read_bytes(), counts


@given(some_lines, st.integers(1, 3))
def test_body_is_that_of_the_slow_twin(tmp_path_factory, lines, max_variants) -> None:
    body, counts = body_of(tmp_path_factory.mktemp("c"), lines, max_variants)
    expected, surplus, n_dropped = slow_twin(lines, max_variants)
    assert body == expected
    assert set(counts.surplus_rows) == surplus
    assert counts.n_dropped == n_dropped
    assert counts.records == len({line.handle for line in lines})
    assert counts.encodings == len(expected) // 19


@settings(max_examples=25)
@given(some_lines, st.randoms(use_true_random=False))
def test_body_does_not_depend_on_the_order_of_the_file(tmp_path_factory, lines, random) -> None:
    folder = tmp_path_factory.mktemp("c")
    before, _ = body_of(folder, lines, 2)
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert body_of(folder, shuffled, 2)[0] == before


@pytest.mark.parametrize("n_expected", [1, 3, 100, 10**6])
def test_body_does_not_depend_on_the_number_of_buckets(tmp_path, monkeypatch, n_expected) -> None:
    monkeypatch.setattr(container, "BUCKET_BYTES", 64)
    generator = np.random.default_rng(1)
    lines = [Line(*map(int, generator.integers(0, 65536, 2)), 0, row) for row in range(500)]
    body, _ = body_of(tmp_path, lines, 2, n_expected)
    assert body == slow_twin(lines, 2)[0]


def test_container_is_head_and_body_with_their_digest(tmp_path: Path) -> None:
    header = ContainerHeader(
        project="foster-pupils",
        party="schools",
        epoch=1,
        profile="a" * 64,
        key_id="b" * 16,
        encoding_bits=16,
        records=1,
        encodings=2,
    )
    (tmp_path / "body").write_bytes(b"x" * 38)
    written = write_container(tmp_path / "c.enc", header, tmp_path / "body")
    raw = (tmp_path / "c.enc").read_bytes()
    parsed = parse_header(raw)
    assert parsed.header == header
    assert raw[parsed.body_offset :] == b"x" * 38
    assert written.sha256 == hashlib.sha256(raw).hexdigest()
    assert written.size_bytes == len(raw) == header.container_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps access lists")
def test_what_is_spooled_may_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    with Spool(tmp_path, 16, n_expected=100):
        modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}
