"""Containers by their vectors: heads as the formats read them, the whole as the broker checks it."""

from __future__ import annotations

import base64
import hashlib
import random
from typing import Any

import pytest
from app.uploads.container import ExpectedContainer, check_container
from hypothesis import given
from hypothesis import strategies as st
from oracles.containers import Row, header_of, random_rows
from oracles.vector_file import read_vectors
from oracles.write_upload_vectors import container_vectors

from app.uploads.errors import UploadRejectedError
from schemas.errors import ContainerError
from schemas.upload import MAGIC, ContainerHeader, parse_header, serialise_header

VECTORS = read_vectors("container")


def named(which: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS[which]]


def expected(header: ContainerHeader, content: bytes, size_bytes: int) -> ExpectedContainer:
    limits = {name: VECTORS["expected"][name] for name in ("least_weight", "most_weight")}
    return ExpectedContainer(
        header=header,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=size_bytes,
        max_variants=VECTORS["expected"]["max_variants"],
        **limits,
    )


@pytest.mark.parametrize("vector", named("good"))
def test_a_good_container_is_read_and_taken(vector: dict[str, Any]) -> None:
    content = base64.b64decode(vector["container"])
    parsed = parse_header(content)
    assert parsed.header.to_json() == vector["header"]
    assert parsed.header.container_bytes() == len(content)
    assert serialise_header(parsed.header) == content[: parsed.body_offset]
    assert hashlib.sha256(content).hexdigest() == vector["sha256"]
    check_container([content], expected(parsed.header, content, len(content)))
    assert rows_of(content) == vector["records"]


def rows_of(content: bytes) -> list[dict[str, Any]]:
    """Return the records as the spec page says they lie."""
    parsed = parse_header(content)
    header = parsed.header
    found = []
    for at in range(parsed.body_offset, len(content), header.record_bytes):
        row = content[at : at + header.record_bytes]
        bits = "".join(f"{byte:08b}" for byte in row[17:])[: header.encoding_bits]
        found.append({"handle": row[:16].hex(), "variant": row[16], "bits": bits})
    return found


@pytest.mark.parametrize("vector", named("bad"))
def test_a_bad_container_is_refused_by_its_rule(vector: dict[str, Any]) -> None:
    content = base64.b64decode(vector["container"])
    header = ContainerHeader.from_json(VECTORS["expected"]["header"])
    with pytest.raises(UploadRejectedError) as caught:
        check_container([content], expected(header, content, header.container_bytes()))
    assert caught.value.code == vector["rule"]


@pytest.mark.parametrize("vector", named("bad"))
def test_a_head_is_refused_where_the_head_alone_is_at_fault(vector: dict[str, Any]) -> None:
    content = base64.b64decode(vector["container"])
    if vector["rule"] == "container-malformed":
        with pytest.raises(ContainerError):
            parse_header(content)
    else:
        assert parse_header(content).header.encodings


def test_the_stored_vectors_are_those_that_are_written() -> None:
    assert container_vectors() == VECTORS


headers = st.builds(
    lambda rows, bits, epoch: header_of(rows, encoding_bits=bits, epoch=epoch),
    st.just(random_rows(random.Random(1), 3)),
    st.integers(8, 4096),
    st.integers(1, 10**6),
)


@given(headers, st.binary(max_size=50))
def test_a_head_survives_its_bytes_whatever_follows(header: ContainerHeader, rest: bytes) -> None:
    head = serialise_header(header)
    parsed = parse_header(head + rest)
    assert (parsed.header, parsed.body_offset) == (header, len(head))


@given(headers, st.data())
def test_a_head_that_is_cut_short_is_refused(header: ContainerHeader, data: st.DataObject) -> None:
    head = serialise_header(header)
    with pytest.raises(ContainerError):
        parse_header(head[: data.draw(st.integers(0, len(head) - 1))])


@given(st.binary(max_size=200))
def test_no_other_bytes_crash_the_reader(noise: bytes) -> None:
    for content in (noise, MAGIC + noise, MAGIC + b"\x00\x00\x00\x10" + noise):
        with pytest.raises(ContainerError):
            parse_header(content)


def test_the_length_of_a_record_follows_from_the_width() -> None:
    row = Row(bytes(16), 0, bytes(3))
    assert header_of([row], encoding_bits=17).record_bytes == len(row.to_bytes()) == 20
