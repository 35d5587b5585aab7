"""Uploads whose records look alike are found by a sample, as by comparing all with all; others are taken."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.containers import Row, random_rows
from oracles.linkage_rig import BITS, CHILD_WELFARE, SCHOOL, Linkage, one_bit_less, two_files

from app.matching.exhaustive import Dataset
from app.uploads import lookalikes
from app.uploads.errors import LookalikeRecordsError
from app.uploads.lookalikes import (
    FEWEST_ALIKE,
    MOST_NEIGHBOURS,
    Lookalikes,
    LookalikeSearch,
    refuse_lookalikes,
    sample_records,
)

THRESHOLD = Fraction(4, 5)
UPLOAD = "upl-" + "0" * 32
SEARCH = LookalikeSearch(THRESHOLD, bytes(32))


def slow_count(dataset: Dataset) -> int:
    """Compare all records of a file with all others, one by one: the slow twin."""
    encodings: dict[int, list[int]] = {}
    for record, words in zip(dataset.record.tolist(), dataset.words.tolist(), strict=True):
        encodings.setdefault(record, []).append(sum(w << 64 * at for at, w in enumerate(words)))
    alike = 0
    for record, own in encodings.items():
        others = [
            other
            for other, theirs in encodings.items()
            if other != record and any(is_alike(a, b) for a, b in product(own, theirs))
        ]
        alike += len(others) > MOST_NEIGHBOURS
    return alike


def is_alike(one: int, other: int) -> bool:
    total = one.bit_count() + other.bit_count()
    return total > 0 and Fraction(2 * (one & other).bit_count(), total) >= THRESHOLD


def dataset_of(encodings: list[int], records: list[int]) -> Dataset:
    words = np.array([[value & (1 << 64) - 1, value >> 64] for value in encodings], np.uint64)
    order = np.argsort(records, kind="stable")
    numbered = np.array(records, np.uint32)[order]
    return Dataset(words.reshape(-1, 2)[order], numbered, max(records, default=-1) + 1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 127)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_as_many_are_counted_as_by_comparing_all_with_all(
    drawn: list[tuple[int, int, int]],
) -> None:
    rng = random.Random(1)
    people = [rng.getrandbits(128) for _ in range(6)]
    dataset = dataset_of(
        [people[person] ^ (1 << bit) for _, person, bit in drawn],
        [record for record, _, _ in drawn],
    )
    assert SEARCH.count(dataset, UPLOAD) == Lookalikes(dataset.n_records, slow_count(dataset))


def test_no_memory_is_spent_on_a_file_in_which_all_are_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = dataset_of([(1 << 100) - 1] * 300 + [1 << 127], list(range(301)))
    monkeypatch.setattr(lookalikes, "_MAX_PAIRS", 700)
    assert SEARCH.count(dataset, UPLOAD) == Lookalikes(301, 300)
    monkeypatch.setattr(lookalikes, "_MAX_PAIRS", 10)
    assert SEARCH.count(dataset, UPLOAD) == Lookalikes(301, 300)


def test_a_sample_tells_the_share_and_nobody_foresees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookalikes, "SAMPLE_RECORDS", 500)
    rng = random.Random(2)
    alike = [(1 << 100) - 1] * 600
    dataset = dataset_of([*alike, *(rng.getrandbits(128) for _ in range(2400))], list(range(3000)))
    found = SEARCH.count(dataset, UPLOAD)
    assert found == SEARCH.count(dataset, UPLOAD)
    assert found.looked_at == 500
    assert 60 < found.alike < 140
    samples = {
        bytes(sample_records(3000, secret, upload))
        for secret in (bytes(32), bytes([1]) * 32)
        for upload in (UPLOAD, UPLOAD[:-1] + "1")
    }
    assert len(samples) == 4


@pytest.mark.parametrize(
    ("looked_at", "alike", "percent", "is_refused"),
    [
        (1000, 100, 10, False),
        (1000, 101, 10, True),
        (FEWEST_ALIKE, FEWEST_ALIKE - 1, 10, False),
        (FEWEST_ALIKE, FEWEST_ALIKE, 10, True),
        (1000, 1000, 100, False),
        (0, 0, 0, False),
    ],
)
def test_the_share_is_exact_and_a_few_records_are_chance(
    looked_at: int, alike: int, percent: int, is_refused: bool
) -> None:
    found = Lookalikes(looked_at, alike)
    assert found.are_more_than(percent) is is_refused
    if is_refused:
        with pytest.raises(LookalikeRecordsError, match="of the records of schools look alike"):
            refuse_lookalikes(found, "schools", percent)
    else:
        refuse_lookalikes(found, "schools", percent)


def spellings(rng: random.Random, encoding: bytes, n: int) -> list[Row]:
    """Return records that ask about one person in as many spellings."""
    rows = []
    for _ in range(n):
        rows.append(Row(rng.randbytes(16), 0, encoding))
        encoding = one_bit_less(encoding)
    return rows


def test_a_run_on_an_upload_of_many_spellings_of_one_person_fails(linkage: Linkage) -> None:
    left, right = two_files(linkage.rng, 60, 30)
    probe = [*left[:20], *spellings(linkage.rng, right[0].encoding, 24)]
    linkage.upload(sorted(probe, key=lambda row: row.handle), CHILD_WELFARE)
    linkage.upload(right, SCHOOL)
    run = linkage.ask().json()["run"]
    linkage.work()
    for party in (CHILD_WELFARE, SCHOOL):
        view = linkage.get(f"/v1/runs/{run}", party).json()
        assert (view["state"], view["failure"]) == ("failed", "lookalike-records")
    assert "run-failed" in linkage.log_kinds()
    assert "release-prepared" not in linkage.log_kinds()


def test_a_scheduled_upload_that_is_like_the_one_before_is_linked(linkage: Linkage) -> None:
    left, right = two_files(linkage.rng, 60, 30, n_twins=20)
    linkage.upload(right, SCHOOL)
    following = sorted([*left[1:], *random_rows(linkage.rng, 1, bits=BITS)], key=lambda r: r.handle)
    for rows in (left, left, following):
        linkage.upload(rows, CHILD_WELFARE)
        run = linkage.ask(again=True).json()["run"]
        linkage.work()
        assert linkage.get(f"/v1/runs/{run}").json()["state"] == "succeeded"
