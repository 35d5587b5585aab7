"""From groups to the lines of one recipient's file, against plain lists."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.links.release_file import cut_pieces, own_links
from app.matching.exhaustive import Dataset, Groups
from app.matching.exhaustive.groups import groups_from_labels
from app.runs.counts import count_own
from app.uploads.loading import LoadedUpload
from schemas.ids import LinkId


def upload_of(rng: random.Random, party: str, n_records: int) -> LoadedUpload:
    handles = sorted(rng.randbytes(16) for _ in range(n_records))
    array = np.frombuffer(b"".join(handles), dtype=np.uint8).reshape(n_records, 16).copy()
    return LoadedUpload(party, array, Dataset.of(np.zeros((n_records, 1), dtype=np.uint64)))


@st.composite
def solved_runs(draw: st.DrawFn) -> tuple[list[int], Groups]:
    n_records = draw(st.lists(st.integers(1, 12), min_size=1, max_size=3))
    n = sum(n_records)
    labels = draw(st.lists(st.integers(0, n), min_size=n, max_size=n))
    return n_records, groups_from_labels(np.array(labels, dtype=np.uint32), n_records)


@given(solved_runs(), st.integers(0, 2**32))
def test_each_party_gets_its_own_handles_in_order_with_their_groups_link_ids(
    solved: tuple[list[int], Groups], seed: int
) -> None:
    n_records, groups = solved
    rng = random.Random(seed)
    uploads = [upload_of(rng, f"party-{i}", n) for i, n in enumerate(n_records)]
    link_ids = [LinkId(rng.randbytes(16)) for _ in groups]
    for dataset, upload in enumerate(uploads):
        expected = sorted(
            (upload.handle(record), link_id)
            for group, link_id in zip(groups, link_ids, strict=True)
            for file, record in group
            if file == dataset
        )
        assert list(own_links(groups, dataset, upload, link_ids)) == expected
        assert count_own(groups, dataset) == len(expected)


@given(st.lists(st.binary(min_size=1, max_size=20)), st.integers(1, 60))
def test_pieces_are_the_lines_cut_between_two(lines: list[bytes], piece_bytes: int) -> None:
    pieces = list(cut_pieces(lines, piece_bytes=piece_bytes))
    assert b"".join(pieces) == b"".join(lines)
    assert all(pieces)
    assert all(len(piece) >= piece_bytes for piece in pieces[:-1])
    assert all(len(piece) < piece_bytes + 20 for piece in pieces)


def test_an_empty_file_has_no_piece() -> None:
    assert list(cut_pieces([])) == []


def test_wiping_an_upload_leaves_zeros() -> None:
    upload = upload_of(random.Random(1), "party", 5)
    upload.dataset.words[:] = 7
    upload.wipe()
    assert not upload.handles.any()
    assert not upload.dataset.words.any()
