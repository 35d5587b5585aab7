"""Bucket files give back every line, bucket by bucket."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoding.blocks import spool as module
from encoding.blocks.spool import Spool

LINE = np.dtype([("key", "u1", (4,)), ("number", "<u4")])


def some_lines(n: int, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    lines = np.empty(n, dtype=LINE)
    lines["key"] = generator.integers(0, 256, (n, 4))
    lines["number"] = np.arange(n)
    return lines


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.integers(0, 700), st.integers(1, 90), st.integers(8, 9000), st.integers(1, 5_000))
def test_buckets_in_order_hold_every_line_once(
    tmp_path: Path, n: int, piece: int, bucket_bytes: int, held_bytes: int
) -> None:
    lines = some_lines(n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BUCKET_BYTES", bucket_bytes)
        patch.setattr(module, "HELD_BYTES", held_bytes)
        spool = Spool(tmp_path, "lines", LINE, n)
        for start in range(0, n, piece):
            spool.add(lines[start : start + piece])
        buckets = list(spool.buckets())
    assert len(buckets) == spool.n_buckets
    found = np.concatenate(buckets)
    assert np.array_equal(np.sort(found["number"]), lines["number"])
    assert np.array_equal(found, lines[found["number"]])
    highest = [
        int(one["key"][:, :2].astype(int).dot([256, 1]).max()) for one in buckets if len(one)
    ]
    lowest = [int(one["key"][:, :2].astype(int).dot([256, 1]).min()) for one in buckets if len(one)]
    assert all(end < start for end, start in zip(highest, lowest[1:], strict=False))
    assert list(tmp_path.iterdir()) == []


def test_many_buckets_share_few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUCKET_BYTES", 8)
    spool = Spool(tmp_path, "lines", LINE, 100_000)
    spool.add(some_lines(100))
    assert spool.n_buckets == 1 << module.MAX_BUCKET_BITS
    buckets = spool.buckets()
    next(buckets)
    assert len(list(tmp_path.iterdir())) == 1 << module.FILE_BITS
    spool.close()


def test_a_file_is_gone_once_it_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUCKET_BYTES", 100)
    spool = Spool(tmp_path, "lines", LINE, 400)
    spool.add(some_lines(400))
    n_files = [len(list(tmp_path.iterdir())) for _ in spool.buckets()]
    assert n_files[0] == 16
    assert n_files[-1] == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "lines", LINE, 10)
    spool.add(some_lines(10))
    next(spool.buckets())
    assert [path.stat().st_mode & 0o077 for path in tmp_path.iterdir()] == [0]
    spool.close()
    spool.close()


def test_no_lines_are_one_empty_bucket_and_no_file(tmp_path: Path) -> None:
    (bucket,) = Spool(tmp_path, "lines", LINE, 0).buckets()
    assert (len(bucket), bucket.dtype) == (0, LINE)
    assert list(tmp_path.iterdir()) == []
