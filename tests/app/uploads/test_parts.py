"""Part arithmetic and the Content-Digest header."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.uploads.errors import PartDigestError, PartLengthError, UnknownPartError
from app.uploads.parts import check_part, n_parts, parse_content_digest, part_length

sizes = st.integers(1, 10_000)


@given(sizes, st.integers(1, 500))
def test_parts_cover_the_container_exactly(container_bytes: int, part_bytes: int) -> None:
    lengths = [
        part_length(number, container_bytes, part_bytes)
        for number in range(n_parts(container_bytes, part_bytes))
    ]
    assert sum(lengths) == container_bytes
    assert all(length == part_bytes for length in lengths[:-1])
    assert 0 < lengths[-1] <= part_bytes


@given(sizes, st.integers(1, 500), st.integers(0, 10))
def test_there_is_no_part_after_the_last(
    container_bytes: int, part_bytes: int, beyond: int
) -> None:
    number = n_parts(container_bytes, part_bytes) + beyond
    with pytest.raises(UnknownPartError):
        part_length(number, container_bytes, part_bytes)


def digest_header(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


@given(st.binary(max_size=100))
def test_the_digest_of_a_part_is_read_from_its_header(body: bytes) -> None:
    assert parse_content_digest(digest_header(body)) == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha-256",
        "sha-256=::",
        "sha-512=:" + "A" * 43 + "=:",
        digest_header(b"x") + ", sha-512=:AAAA:",
        digest_header(b"x").replace("sha-256", "SHA-256"),
        digest_header(b"x")[:-1],
        "sha-256=:" + "*" * 43 + "=:",
        "sha-256=:" + "A" * 42 + "==:",
        # Another spelling of the same digest: bits that a lenient reader ignores.
        "sha-256=:" + "A" * 42 + "B=:",
    ],
)
def test_any_other_digest_header_is_refused(header: str | None) -> None:
    with pytest.raises(PartDigestError):
        parse_content_digest(header)


@pytest.mark.parametrize("length", [0, 2, 4])
def test_a_part_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(PartLengthError):
        check_part(b"abc", length, hashlib.sha256(b"abc").hexdigest())


def test_a_part_with_another_digest_is_refused() -> None:
    with pytest.raises(PartDigestError):
        check_part(b"abc", 3, hashlib.sha256(b"abd").hexdigest())
