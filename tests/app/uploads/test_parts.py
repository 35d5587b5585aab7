"""What is told of one part alone: its length, its digest, its header."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import RefusedError, Rule
from app.uploads.errors import PART_DIGEST, PART_LENGTH, UNKNOWN_PART
from app.uploads.parts import check_bytes, length_of, parse_content_digest
from schemas.upload import Parts


def refused(rule: Rule) -> pytest.RaisesExc[RefusedError]:
    return pytest.raises(RefusedError, check=lambda error: error.code == rule.code)


@given(st.integers(1, 10**6), st.integers(1, 10**7), st.integers(0, 10))
def test_there_is_no_part_after_the_last(records: int, rows: int, beyond: int) -> None:
    parts = Parts(head_bytes=700, records=records, rows=rows)
    assert length_of(parts, 0) == 700
    assert length_of(parts, parts.n_parts - 1) > 0
    with refused(UNKNOWN_PART):
        length_of(parts, parts.n_parts + beyond)


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
    with refused(PART_DIGEST):
        parse_content_digest(header)


@pytest.mark.parametrize("length", [0, 2, 4])
def test_a_part_of_another_length_is_refused(length: int) -> None:
    with refused(PART_LENGTH):
        check_bytes(b"abc", length, hashlib.sha256(b"abc").hexdigest())


def test_a_part_with_another_digest_is_refused() -> None:
    with refused(PART_DIGEST):
        check_bytes(b"abc", 3, hashlib.sha256(b"abd").hexdigest())
