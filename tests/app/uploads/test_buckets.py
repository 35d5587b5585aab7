"""Buckets of handles: as many records of each label as agreed, or no two alike in a small file."""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from rigs.linkage import CHILD_WELFARE, SCHOOL, MakeLinkage, random_people
from rigs.refused_calls import refusal
from samples import round_files

from app.uploads.errors import UploadRejectedError
from app.uploads.parts import BucketCheck, count_labels
from schemas.agreement.clauses import Review

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
