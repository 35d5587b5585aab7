"""What is told of one part alone: its length, its digest, its header."""

from __future__ import annotations

import base64
import hashlib
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.matching_profiles import block_profile

from app.errors import RefusedError, Rule
from app.matching.blocks.rows import ROW
from app.uploads.errors import PART_DIGEST, PART_LENGTH, UNKNOWN_PART
from app.uploads.parts import (
    ExpectedContainer,
    check_bytes,
    check_content,
    length_of,
    parse_content_digest,
)
from schemas.rounds.upload import ROWS_PER_PIECE, Parts


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


def test_a_part_of_another_length_or_digest_is_refused() -> None:
    for length in (0, 2, 4):
        with refused(PART_LENGTH):
            check_bytes(b"abc", length, hashlib.sha256(b"abc").hexdigest())
    with refused(PART_DIGEST):
        check_bytes(b"abc", 3, hashlib.sha256(b"abd").hexdigest())


def test_a_part_of_rows_is_checked_in_the_memory_of_a_part() -> None:
    n_records = 60_000_000
    profile = block_profile()
    parts = Parts(head_bytes=700, records=n_records, rows=n_records * profile.rows("larger"))
    expected = ExpectedContainer({}, "", parts, profile, "larger")
    rows = np.zeros(ROWS_PER_PIECE, dtype=ROW)
    rows["token"].view(">u8")[:, 1] = np.arange(len(rows))
    # Far from each other, so that counters of the whole file would be touched all over.
    rows["record"] = np.arange(len(rows)) * (n_records // len(rows))
    body = rows.tobytes()
    tracemalloc.start()
    try:
        check_content(parts.n_parts - 2, body, expected)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * len(body)
