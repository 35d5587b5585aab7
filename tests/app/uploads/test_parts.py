"""What is told of one part alone: its length, its digest, its header."""

from __future__ import annotations

import base64
import hashlib
import os
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from rigs.linkage import CHILD_WELFARE, SCHOOL, MakeLinkage, random_people
from rigs.refused_calls import refusal
from samples import round_files
from samples.matching_profiles import block_profile

from app.errors import RefusedError, Rule
from app.matching.blocks.rows import ROW
from app.uploads.errors import PART_DIGEST, PART_LENGTH, UNKNOWN_PART, UploadRejectedError
from app.uploads.parts import (
    BucketCheck,
    ExpectedContainer,
    check_bytes,
    check_content,
    count_labels,
    length_of,
    parse_content_digest,
)
from schemas.agreement.clauses import Review
from schemas.rounds.upload import ROWS_PER_PIECE, Parts

REVIEW = Review(
    reviewer=CHILD_WELFARE, persons=1, first=10, weekly=1, bucket=4, days=14, consent=None
)
# Few labels, so that they come again.
HANDLES = st.sets(
    st.tuples(
        st.sampled_from([bytes(4), b"\0\0\0\1", b"\1\0\0\0", b"\xff" * 4]),
        st.binary(min_size=12, max_size=12),
    ),
    min_size=1,
    max_size=40,
).map(lambda found: sorted(label + rest for label, rest in found))


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


def table(handles: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(handles), dtype=np.uint8).reshape(-1, 16)


def check_in_pieces(handles: list[bytes], bucket: int, n: int) -> bool:
    """Tell whether a table passes, given in pieces of so many handles."""
    check = BucketCheck(bucket, len(handles))
    try:
        for at in range(0, len(handles), n):
            check.add(table(handles[at : at + n]))
        check.finish()
    except UploadRejectedError:
        return False
    return True


@given(HANDLES, st.integers(1, 12), st.integers(1, 7))
def test_the_rule_holds_whatever_the_pieces(handles: list[bytes], bucket: int, n: int) -> None:
    counts = Counter(handle[:4] for handle in handles).values()
    is_small = len(handles) < bucket
    expected = max(counts) == 1 if is_small else min(counts) >= bucket
    assert check_in_pieces(handles, bucket, n) == expected


@given(HANDLES, st.integers(1, 7))
def test_labels_are_counted_in_their_order_whatever_the_pieces(
    handles: list[bytes], n: int
) -> None:
    counts = Counter(int.from_bytes(handle[:4], "big") for handle in handles)
    pieces = [table(handles[at : at + n]) for at in range(0, len(handles), n)]
    labels, n_each = count_labels(pieces)
    assert list(zip(labels.tolist(), n_each.tolist(), strict=True)) == sorted(counts.items())


def test_a_commit_of_the_asked_agency_is_held_to_it_and_the_reviewers_own_is_not(
    make_linkage: MakeLinkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    linkage = make_linkage(review=REVIEW)
    linkage.open_round()
    linkage.upload(random_people(linkage.rng, 20), CHILD_WELFARE)

    def commit(n_labels: int) -> Response:
        drawn = sorted(bytes(3) + bytes([at % n_labels]) + os.urandom(12) for at in range(20))
        monkeypatch.setattr(round_files, "draw_handles", lambda *_: drawn)
        made = linkage.container(random_people(linkage.rng, 20), SCHOOL)
        return linkage.commit(linkage.send(made, SCHOOL), linkage.manifest(made, SCHOOL), SCHOOL)

    assert refusal(commit(6)) == (422, "bucket-size", "review")
    (refused,) = [one for one in linkage.log_entries() if one["kind"] == "upload-rejected"]
    assert refused["body"] == {"rule": "bucket-size"}
    assert commit(5).status_code == 200
